//! What a poster must be.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::picture::{self, Kind, PictureFault};

/// Pixels a side at most.
pub(crate) const SIDE_PIXELS: u32 = 8_192;

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
    /// 40 lower-case hexadecimal digits: CAP's `digest` is defined as that.
    pub(crate) sha1: String,
}

/// What a channel takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelRules {
    /// Its name.
    pub(crate) channel: String,
    /// Bytes of a poster at most.
    pub(crate) bytes: usize,
    /// Pixels a side at most.
    pub(crate) side: u32,
}

/// What posters must keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PosterRules {
    /// Bytes of a file at most, as it comes and as it is stored.
    pub(crate) bytes: usize,
    /// Every channel that may have to send it.
    pub(crate) channels: Vec<ChannelRules>,
}

/// Why a file is no poster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PosterFault {
    /// Neither PNG nor JPEG.
    NotAnImage,
    /// It begins as one and does not decode to its end.
    Damaged,
    /// Too many bytes.
    TooLarge,
    /// Too many pixels, or more memory than decoding may take.
    Dimensions,
    /// A channel would not take it.
    Channel {
        /// Its name.
        channel: String,
        /// `bytes` or `pixels`.
        measure: &'static str,
        /// How many it takes.
        limit: u64,
    },
}

/// Decodes the whole file within limits and encodes its picture anew: nothing else of the file is kept (no EXIF, no position, no texts, no
/// colour profile, nothing behind its end). The same file gives the same bytes.
///
/// # Errors
/// [`PosterFault`].
pub(crate) fn prepare(file: &[u8], rules: &PosterRules) -> Result<(Poster, Vec<u8>), PosterFault> {
    if file.len() > rules.bytes {
        return Err(PosterFault::TooLarge);
    }
    let kind = Kind::of(file).ok_or(PosterFault::NotAnImage)?;
    let picture = picture::decode(file, kind, SIDE_PIXELS).map_err(|fault| match fault {
        PictureFault::Damaged => PosterFault::Damaged,
        PictureFault::Costly => PosterFault::Dimensions,
    })?;
    let (width, height) = (picture.width(), picture.height());
    for rule in &rules.channels {
        if width.max(height) > rule.side {
            let limit = u64::from(rule.side);
            return Err(PosterFault::Channel { channel: rule.channel.clone(), measure: "pixels", limit });
        }
    }
    let room = rules.channels.iter().map(|rule| rule.bytes).fold(rules.bytes, usize::min);
    let content = picture::encode(&picture, kind, room);
    if let Some(rule) = rules.channels.iter().find(|rule| content.len() > rule.bytes) {
        let limit = rule.bytes as u64;
        return Err(PosterFault::Channel { channel: rule.channel.clone(), measure: "bytes", limit });
    }
    if content.len() > rules.bytes {
        return Err(PosterFault::TooLarge);
    }
    let poster = Poster {
        media_type: kind.media_type().to_owned(),
        size: content.len() as i64,
        width: width as i32,
        height: height as i32,
        sha256: sha256(&content),
        sha1: hex::encode(Sha1::digest(&content)),
    };
    Ok((poster, content))
}

/// The name of a content: 64 lower-case hexadecimal digits.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::ImageFormat;

    use super::super::picture::tests::{chunk, noise, with_exif, with_text};
    use super::*;

    const RULES: PosterRules = PosterRules { bytes: 1 << 20, channels: Vec::new() };

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::DynamicImage::new_luma8(width, height)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .expect("memory takes every write");
        bytes
    }

    fn fault(file: &[u8], rules: &PosterRules) -> PosterFault {
        prepare(file, rules).expect_err("it is no poster")
    }

    #[test]
    fn png_and_jpeg_are_posters_of_eight_bits_a_colour() {
        for (format, media_type) in [(ImageFormat::Png, "image/png"), (ImageFormat::Jpeg, "image/jpeg")] {
            let (poster, content) = prepare(&encoded(30, 20, format), &RULES).unwrap();
            assert_eq!((poster.media_type.as_str(), poster.width, poster.height), (media_type, 30, 20));
            assert_eq!((poster.size, poster.sha256.as_str()), (content.len() as i64, sha256(&content).as_str()));
            let image = image::load_from_memory(&content).unwrap();
            assert_eq!(image.color(), image::ColorType::Rgb8);
        }
        let mut deep = Vec::new();
        let image = image::DynamicImage::new_rgba16(3, 2);
        image.write_to(&mut Cursor::new(&mut deep), ImageFormat::Png).unwrap();
        let (_, content) = prepare(&deep, &RULES).unwrap();
        assert_eq!(image::load_from_memory(&content).unwrap().color(), image::ColorType::Rgba8);
    }

    #[test]
    fn nothing_but_the_picture_leaves() {
        let secret = b"GPSLatitude 25.5941 taken by Officer Sinha";
        let png = encoded(30, 20, ImageFormat::Png);
        let jpeg = encoded(30, 20, ImageFormat::Jpeg);
        let mut files = vec![with_text(&png, secret), with_exif(&jpeg, 1, secret)];
        for file in [png.clone(), jpeg.clone()] {
            files.push([file.as_slice(), secret].concat());
        }
        let clean = [&png, &jpeg, &png, &jpeg].map(|file| prepare(file, &RULES).unwrap().1);
        for (file, clean) in files.iter().zip(clean) {
            assert!(file.windows(secret.len()).any(|window| window == secret), "the test says nothing");
            let content = prepare(file, &RULES).unwrap().1;
            assert!(!content.windows(11).any(|window| window == &secret[..11]));
            assert_eq!(content, clean, "the same picture is the same content, whatever came with it");
        }
    }

    #[test]
    fn a_picture_that_was_held_upright_stays_upright() {
        let jpeg = with_exif(&encoded(32, 16, ImageFormat::Jpeg), 6, b"");
        let (poster, _) = prepare(&jpeg, &RULES).unwrap();
        assert_eq!((poster.width, poster.height), (16, 32));
    }

    #[test]
    fn what_is_neither_png_nor_jpeg_is_no_image_and_what_ends_early_is_damaged() {
        for file in [&b""[..], b"%PDF-1.4", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 ", b"<svg/>", b"\x89PNG"] {
            assert_eq!(fault(file, &RULES), PosterFault::NotAnImage);
        }
        let png = noise(60, 40, ImageFormat::Png);
        let jpeg = noise(60, 40, ImageFormat::Jpeg);
        let progressive_end = jpeg.len() - 2;
        for file in [&png[..8], &png[..png.len() / 2], &png[..png.len() - 13], &jpeg[..3], &jpeg[..jpeg.len() / 2]] {
            assert_eq!(fault(file, &RULES), PosterFault::Damaged);
        }
        assert_eq!(fault(&jpeg[..progressive_end], &RULES), PosterFault::Damaged);
        // A byte of the compressed pixels changed: its checksum tells.
        let mut broken = png.clone();
        broken[png.len() / 2] ^= 0x55;
        assert_eq!(fault(&broken, &RULES), PosterFault::Damaged);
    }

    #[test]
    fn too_many_bytes_pixels_or_decoded_bytes_are_refused_before_they_cost_anything() {
        let wide = encoded(SIDE_PIXELS + 1, 1, ImageFormat::Png);
        assert_eq!(fault(&wide, &RULES), PosterFault::Dimensions);
        let few = PosterRules { bytes: wide.len() - 1, channels: Vec::new() };
        assert_eq!(fault(&wide, &few), PosterFault::TooLarge);
        let end = [chunk(b"IDAT", b""), chunk(b"IEND", b"")].concat();
        for (side, depth, colour) in [(SIDE_PIXELS, 16, 6), (SIDE_PIXELS, 1, 0), (u32::MAX >> 1, 8, 2)] {
            // Fifty bytes that say they are 8,192 × 8,192 pixels and more.
            let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
            header.extend_from_slice(&[depth, colour, 0, 0, 0]);
            let bomb = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", &header).as_slice(), &end].concat();
            assert_eq!(fault(&bomb, &RULES), PosterFault::Dimensions, "{side}");
        }
        // A JPEG that says it is 65,500 × 65,500.
        let mut bomb = encoded(32, 16, ImageFormat::Jpeg);
        let frame = bomb.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
        bomb[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
        assert_eq!(fault(&bomb, &RULES), PosterFault::Dimensions);
    }

    #[test]
    fn a_jpeg_of_very_many_scans_is_refused_before_it_costs_time() {
        let jpeg = encoded(32, 16, ImageFormat::Jpeg);
        let scan = jpeg.windows(2).position(|window| window == [0xff, 0xda]).unwrap();
        let one = &jpeg[scan..jpeg.len() - 2];
        let bomb = [&jpeg[..scan], &one.repeat(500), &[0xff, 0xd9]].concat();
        assert_eq!(fault(&bomb, &RULES), PosterFault::Dimensions);
    }

    #[test]
    fn every_channel_is_asked_and_the_first_that_refuses_is_named() {
        let channel = |name: &str, bytes, side| ChannelRules { channel: name.to_owned(), bytes, side };
        let rules = |channels| PosterRules { bytes: 1 << 20, channels };
        let file = noise(60, 40, ImageFormat::Png);
        assert!(prepare(&file, &rules(vec![channel("whatsapp", 1 << 20, 60)])).is_ok());
        let small = rules(vec![channel("whatsapp", 1 << 20, 60), channel("telegram", 1 << 20, 59)]);
        let refused = |measure, limit| PosterFault::Channel { channel: "telegram".to_owned(), measure, limit };
        assert_eq!(fault(&file, &small), refused("pixels", 59));
        let light = rules(vec![channel("whatsapp", 1 << 20, 60), channel("telegram", 900, 60)]);
        assert_eq!(fault(&file, &light), refused("bytes", 900));
    }

    #[test]
    fn a_jpeg_is_made_lighter_until_the_channels_take_it() {
        let file = noise(160, 120, ImageFormat::Jpeg);
        let free = prepare(&file, &RULES).unwrap().1.len();
        let rules = PosterRules {
            bytes: 1 << 20,
            channels: vec![ChannelRules { channel: "whatsapp".to_owned(), bytes: free * 9 / 10, side: 1_000 }],
        };
        assert!(prepare(&file, &rules).unwrap().1.len() <= free * 9 / 10);
    }
}
