//! QR images.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

/// Squares of white around a code: what the standard asks for.
const MARGIN: u32 = 4;

/// A PNG, black on white, of at most `side` pixels; each square of the code has whole pixels. `None` when the text is too long for such an
/// image.
pub(crate) fn png(text: &str, side: u32) -> Option<Vec<u8>> {
    // Printed on paper and photographed in the street: a quarter of it may be unreadable.
    let code = QrCode::with_error_correction_level(text, EcLevel::Q).ok()?;
    let width = u32::try_from(code.width()).ok()?;
    let scale = side / (width + 2 * MARGIN);
    if scale == 0 {
        return None;
    }
    let colors = code.into_colors();
    let image = GrayImage::from_fn((width + 2 * MARGIN) * scale, (width + 2 * MARGIN) * scale, |x, y| {
        let at = |pixel: u32| (pixel / scale).checked_sub(MARGIN).filter(|at| *at < width);
        let dark = at(x).zip(at(y)).is_some_and(|(x, y)| colors[(y * width + x) as usize] == Color::Dark);
        Luma([if dark { 0 } else { 255 }])
    });
    let mut png = Vec::new();
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).ok()?;
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_reads_what_was_written_at_every_size() {
        let url = "https://senani.biharpolice.example/v/K7QM3D9X2TRF";
        for side in [100, 400, 1_000] {
            let image = image::load_from_memory(&png(url, side).unwrap()).unwrap().into_luma8();
            assert!(image.width() <= side && image.width() > side / 2, "{side}");
            let mut image =
                rqrr::PreparedImage::prepare_from_greyscale(image.width() as usize, image.height() as usize, |x, y| {
                    image.get_pixel(x as u32, y as u32).0[0]
                });
            let grids = image.detect_grids();
            assert_eq!(grids[0].decode().unwrap().1, url, "{side}");
        }
        assert_eq!(png(&"x".repeat(4_000), 2_000), None);
        assert_eq!(png(url, 20), None);
    }
}
