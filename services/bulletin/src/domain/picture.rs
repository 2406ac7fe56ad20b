//! Pictures: decoded within limits, encoded anew.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// Bytes that the decoded pixels may take, four for each: 16.7 million pixels, an A3 page of 250 dots an inch. A bomb asks for more. While a
/// progressive JPEG is decoded its coefficients take up to 1.5 times as much again.
const DECODED_BYTES: u64 = 64 * 1024 * 1024;

/// Passes over the pixels of a JPEG at most: an encoder makes some ten, a bomb thousands.
const JPEG_SCANS: usize = 64;

/// Qualities of a JPEG, tried in turn until it is small enough.
const JPEG_QUALITIES: [u8; 4] = [90, 82, 72, 60];

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Chunks of a PNG that its pixels depend on, and the one that says which side is up.
const PNG_CHUNKS: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"];

/// What kind of file a picture is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
}

/// Why a picture cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureFault {
    /// It ends early or is broken.
    Damaged,
    /// It would take more memory or time than it may.
    Costly,
}

impl Kind {
    /// By the first bytes, whatever a name or a header says.
    pub(crate) fn of(file: &[u8]) -> Option<Self> {
        if file.starts_with(PNG_SIGNATURE) {
            Some(Self::Png)
        } else if file.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
        }
    }
}

/// The picture in a file, its right side up, eight bits a colour.
///
/// # Errors
/// [`PictureFault`]; `side` are the pixels a side at most.
pub(crate) fn decode(file: &[u8], kind: Kind, side: u32) -> Result<DynamicImage, PictureFault> {
    let reduced;
    let file = match kind {
        Kind::Png => {
            reduced = essential_png(file).ok_or(PictureFault::Damaged)?;
            reduced.as_slice()
        }
        Kind::Jpeg => {
            if jpeg_scans(file).ok_or(PictureFault::Damaged)? > JPEG_SCANS {
                return Err(PictureFault::Costly);
            }
            file
        }
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(file), kind.format());
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| fault_of(&error))?;
    // The header first: it costs nothing and tells a wrong size from a broken file.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > side || pixels.saturating_mul(4).max(decoder.total_bytes()) > DECODED_BYTES {
        return Err(PictureFault::Costly);
    }
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| fault_of(&error))?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    // Channels take eight bits a colour, with or without transparency, and no grey.
    let transparent = kind == Kind::Png && picture.color().has_alpha();
    Ok(if transparent { picture.into_rgba8().into() } else { picture.into_rgb8().into() })
}

/// A file with the picture and nothing else; as small as `room` when that can be had.
pub(crate) fn encode(picture: &DynamicImage, kind: Kind, room: usize) -> Vec<u8> {
    let mut content = Vec::new();
    match kind {
        Kind::Png => {
            for compression in [CompressionType::Default, CompressionType::Best] {
                content.clear();
                let encoder = PngEncoder::new_with_quality(&mut content, compression, FilterType::Adaptive);
                picture.write_with_encoder(encoder).expect("memory takes every write, and PNG eight bits a colour");
                if content.len() <= room {
                    break;
                }
            }
        }
        Kind::Jpeg => {
            for quality in JPEG_QUALITIES {
                content.clear();
                let encoder = JpegEncoder::new_with_quality(&mut content, quality);
                picture.write_with_encoder(encoder).expect("memory takes every write, and JPEG sides of 8,192");
                if content.len() <= room {
                    break;
                }
            }
        }
    }
    content
}

fn fault_of(error: &ImageError) -> PictureFault {
    if matches!(error, ImageError::Limits(_)) { PictureFault::Costly } else { PictureFault::Damaged }
}

/// A PNG without the chunks that its pixels do not need: texts and profiles may be bombs of their own. `None` when it ends before its end.
fn essential_png(file: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(file.len());
    kept.extend_from_slice(PNG_SIGNATURE);
    let mut rest = file.get(PNG_SIGNATURE.len()..)?;
    loop {
        let (length, _) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        let name = &chunk[4..8];
        if PNG_CHUNKS.iter().any(|known| known.as_slice() == name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return Some(kept);
        }
        rest = behind;
    }
}

/// How many passes a JPEG makes over its pixels. `None` when it ends before its end: decoders fill what is missing with grey.
fn jpeg_scans(file: &[u8]) -> Option<usize> {
    let (mut at, mut scans) = (2, 0);
    loop {
        at += file.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        at += file[at..].iter().position(|byte| *byte != 0xff)?;
        let marker = file[at];
        at += 1;
        match marker {
            // End of image.
            0xd9 => return Some(scans),
            // Without a length: stuffing, a mark for the restart of the decoder, a reserved one.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = u16::from_be_bytes([*file.get(at)?, *file.get(at + 1)?]);
                at += usize::from(length).max(2);
                // Start of scan: what follows is pixels up to the next marker, which the loop finds.
                scans += usize::from(marker == 0xda);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture that does not compress.
    pub(in super::super) fn noise(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut state = 7_u32;
        let picture = image::RgbImage::from_fn(width, height, |_, _| {
            image::Rgb(std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            }))
        });
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).expect("memory takes every write");
        bytes
    }

    /// A chunk of a PNG with its checksum.
    pub(in super::super) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let named = [name.as_slice(), content].concat();
        let length = (content.len() as u32).to_be_bytes();
        [length.as_slice(), &named, &crc32(&named).to_be_bytes()].concat()
    }

    /// A PNG with a text in it.
    pub(in super::super) fn with_text(png: &[u8], text: &[u8]) -> Vec<u8> {
        // Behind the header, which is 8 + 25 bytes.
        [&png[..33], &chunk(b"tEXt", &[b"Comment\0", text].concat()), &png[33..]].concat()
    }

    /// A JPEG that says how it was held, and something more.
    pub(in super::super) fn with_exif(jpeg: &[u8], orientation: u8, more: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
        exif.extend_from_slice(more);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
