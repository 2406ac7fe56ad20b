//! What a poster must be.

use std::io::Cursor;

use image::{ImageError, ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};

/// Pixels a side at most.
pub(crate) const SIDE_PIXELS: u32 = 8_192;

/// Bytes that decoding may take: 8,192 × 4,096 pixels of four bytes. A bomb asks for more.
pub(crate) const DECODED_BYTES: u64 = 128 * 1024 * 1024;

/// A poster as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Poster {
    /// `image/png` or `image/jpeg`.
    pub(crate) media_type: String,
    /// Bytes.
    pub(crate) size: i64,
    /// Pixels.
    pub(crate) width: i32,
    /// Pixels.
    pub(crate) height: i32,
    /// 64 lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

/// Why a file is no poster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PosterFault {
    NotAnImage,
    TooLarge,
    Dimensions,
}

/// Decodes the whole file, within limits, and says what it is.
///
/// # Errors
/// It is neither PNG nor JPEG by its first bytes, does not decode, or needs more than the limits.
pub(crate) fn inspect(bytes: &[u8], limit: usize) -> Result<Poster, PosterFault> {
    if bytes.len() > limit {
        return Err(PosterFault::TooLarge);
    }
    let (format, media_type) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        (ImageFormat::Png, "image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        (ImageFormat::Jpeg, "image/jpeg")
    } else {
        return Err(PosterFault::NotAnImage);
    };
    // The header first: it costs nothing and tells a wrong size from a broken file.
    let (width, height) = reader(bytes, format).into_dimensions().map_err(|error| fault_of(&error))?;
    if width.max(height) > SIDE_PIXELS {
        return Err(PosterFault::Dimensions);
    }
    reader(bytes, format).decode().map_err(|error| fault_of(&error))?;
    Ok(Poster {
        media_type: media_type.to_owned(),
        size: bytes.len() as i64,
        width: width as i32,
        height: height as i32,
        sha256: hex::encode(Sha256::digest(bytes)),
    })
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader
}

fn fault_of(error: &ImageError) -> PosterFault {
    if matches!(error, ImageError::Limits(_)) { PosterFault::Dimensions } else { PosterFault::NotAnImage }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::DynamicImage::new_luma8(width, height)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .expect("memory takes every write");
        bytes
    }

    #[test]
    fn png_and_jpeg_are_posters() {
        let png = inspect(&encoded(30, 20, ImageFormat::Png), 1 << 20).unwrap();
        assert_eq!((png.media_type.as_str(), png.width, png.height), ("image/png", 30, 20));
        assert_eq!(png.sha256.len(), 64);
        let jpeg = inspect(&encoded(30, 20, ImageFormat::Jpeg), 1 << 20).unwrap();
        assert_eq!(jpeg.media_type, "image/jpeg");
    }

    #[test]
    fn what_does_not_decode_to_its_end_is_no_image() {
        let png = encoded(300, 200, ImageFormat::Png);
        for bytes in [&b""[..], b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", &png[..png.len() / 2]] {
            assert_eq!(inspect(bytes, 1 << 20), Err(PosterFault::NotAnImage));
        }
    }

    #[test]
    fn too_many_bytes_pixels_or_decoded_bytes_are_refused() {
        let wide = encoded(SIDE_PIXELS + 1, 1, ImageFormat::Png);
        assert_eq!(inspect(&wide, 1 << 20), Err(PosterFault::Dimensions));
        assert_eq!(inspect(&wide, wide.len() - 1), Err(PosterFault::TooLarge));
        // A few kilobytes that say they are 8,192 × 8,192 pixels of 64 bits.
        let mut bomb = Vec::new();
        bomb.extend_from_slice(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        bomb.extend_from_slice(&SIDE_PIXELS.to_be_bytes());
        bomb.extend_from_slice(&SIDE_PIXELS.to_be_bytes());
        bomb.extend_from_slice(&[16, 6, 0, 0, 0]);
        let crc = crc32(&bomb[12..]);
        bomb.extend_from_slice(&crc.to_be_bytes());
        bomb.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
        assert_eq!(inspect(&bomb, 1 << 20), Err(PosterFault::Dimensions));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
