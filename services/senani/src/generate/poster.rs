//! A poster without letters: the text of a bulletin stands in the message itself, in every language of it.
//!
//! A shield with a lock, the number of the national cyber crime helpline (1930) in the strokes of a digital clock, and bands in the
//! colour of the occasion.

use std::io::Cursor;
use std::ops::Range;

use anyhow::{Context as _, Result};
use image::{ImageFormat, Rgb, RgbImage};

/// Pixels, 4 to 5: the tallest that chat applications show whole.
const WIDTH: u32 = 1080;
const HEIGHT: u32 = 1350;

const NIGHT: Colour = [12, 24, 56];
const DUSK: Colour = [30, 54, 110];
const PAPER: Colour = [246, 247, 250];
const STEEL: Colour = [64, 92, 156];

/// Red, green, blue.
type Colour = [u8; 3];

/// A PNG of 1080 × 1350 pixels, some tens of kilobytes, with `accent` (red, green, blue) as its second colour beside dark blue.
///
/// # Errors
/// An encoder that fails.
pub(crate) fn poster(accent: [u8; 3]) -> Result<Vec<u8>> {
    let mut canvas = Canvas::new();
    canvas.background(accent);
    canvas.shield(540.0, 150.0, 300.0, 690.0, PAPER);
    canvas.shield(540.0, 174.0, 276.0, 640.0, accent);
    canvas.shield(540.0, 198.0, 252.0, 590.0, NIGHT);
    canvas.lock(540.0, 450.0, accent);
    canvas.helpline(905.0);
    let mut file = Cursor::new(Vec::new());
    canvas.image.write_to(&mut file, ImageFormat::Png).context("encoding the poster")?;
    Ok(file.into_inner())
}

struct Canvas {
    image: RgbImage,
}

impl Canvas {
    /// Dark blue, a little lighter towards the foot.
    fn new() -> Self {
        let shade = |y: u32, channel: usize| {
            let (from, to) = (u32::from(NIGHT[channel]), u32::from(DUSK[channel]));
            ((from * (HEIGHT - y) + to * y) / HEIGHT) as u8
        };
        let image = RgbImage::from_fn(WIDTH, HEIGHT, |_, y| Rgb([shade(y, 0), shade(y, 1), shade(y, 2)]));
        Self { image }
    }

    /// Paints the points of an area that are `inside`, edges smoothed by 4 × 4 samples in a pixel.
    fn fill(&mut self, x: Range<f32>, y: Range<f32>, colour: Colour, inside: impl Fn(f32, f32) -> bool) {
        let pixels = |range: &Range<f32>, end: u32| (range.start.max(0.0) as u32)..(range.end.ceil() as u32).min(end);
        for row in pixels(&y, HEIGHT) {
            for column in pixels(&x, WIDTH) {
                let sampled = |sample: &u32| {
                    let (right, down) = ((sample % 4) as f32, (sample / 4) as f32);
                    inside(column as f32 + (right + 0.5) / 4.0, row as f32 + (down + 0.5) / 4.0)
                };
                // No shape is so thin that a pixel with its four corners on one side has the other between them.
                let covered = match [0, 3, 12, 15].iter().filter(|corner| sampled(corner)).count() {
                    0 => 0,
                    4 => 16,
                    _ => (0..16).filter(sampled).count() as u32,
                };
                if covered > 0 {
                    let pixel = self.image.get_pixel_mut(column, row);
                    for (channel, paint) in pixel.0.iter_mut().zip(colour) {
                        *channel = ((u32::from(*channel) * (16 - covered) + u32::from(paint) * covered) / 16) as u8;
                    }
                }
            }
        }
    }

    /// A rectangle with round corners.
    fn plate(&mut self, x: Range<f32>, y: Range<f32>, radius: f32, colour: Colour) {
        let beyond =
            |point: f32, range: &Range<f32>| (range.start + radius - point).max(point - range.end + radius).max(0.0);
        self.fill(x.clone(), y.clone(), colour, |px, py| {
            let (right, down) = (beyond(px, &x), beyond(py, &y));
            right * right + down * down <= radius * radius
        });
    }

    /// Bands at the head and foot, rays behind the shield, and bars as of a rising signal.
    fn background(&mut self, accent: Colour) {
        for ray in [-4_i8, -2, 0, 2, 4] {
            let slope = f32::from(ray) * 0.22;
            self.fill(0.0..WIDTH as f32, 40.0..1250.0, DUSK, |x, y| {
                let away = y - 40.0;
                (x - 540.0 - slope * away).abs() < 18.0 + away * 0.07
            });
        }
        self.fill(0.0..WIDTH as f32, 0.0..56.0, accent, |_, _| true);
        self.fill(0.0..WIDTH as f32, 56.0..68.0, PAPER, |_, _| true);
        for bar in 0..27_u8 {
            let left = 14.0 + f32::from(bar) * 39.0;
            let height = 16.0 + f32::from(bar * 5 % 9) * 11.0;
            self.plate(left..left + 24.0, 1238.0 - height..1238.0, 6.0, STEEL);
        }
        self.fill(0.0..WIDTH as f32, 1254.0..1266.0, PAPER, |_, _| true);
        self.fill(0.0..WIDTH as f32, 1266.0..HEIGHT as f32, accent, |_, _| true);
        // Slanting stripes, as on a tape that closes off a place.
        self.fill(0.0..WIDTH as f32, 1290.0..1326.0, NIGHT, |x, y| (x + y) % 72.0 < 36.0);
    }

    /// A shield with its upper edge at `top`, `half` as wide to either side of `middle`, and `height` down to its point.
    fn shield(&mut self, middle: f32, top: f32, half: f32, height: f32, colour: Colour) {
        self.fill(middle - half..middle + half, top..top + height, colour, |x, y| {
            let across = (x - middle).abs() / half;
            let down = (y - top) / height;
            // The upper edge dips to the sides of its middle; the flanks are straight, then meet in an arc of an ellipse.
            let edge = 0.10 * across * (1.0 - across) + 0.05 * across;
            let below = ((down - 0.45) / 0.55).max(0.0);
            down >= edge && across <= (1.0 - below * below).max(0.0).sqrt() * (1.0 - 0.12 * below)
        });
    }

    /// A padlock around a point.
    fn lock(&mut self, middle: f32, centre: f32, accent: Colour) {
        let shackle = centre - 40.0;
        self.fill(middle - 92.0..middle + 92.0, shackle - 100.0..shackle + 60.0, PAPER, |x, y| {
            let (across, up) = ((x - middle).abs(), (shackle - y).max(0.0));
            let distance = (across * across + up * up).sqrt();
            (58.0..=92.0).contains(&distance)
        });
        self.plate(middle - 130.0..middle + 130.0, centre - 20.0..centre + 170.0, 26.0, PAPER);
        let hole = centre + 55.0;
        self.fill(middle - 26.0..middle + 26.0, hole - 26.0..hole + 26.0, accent, |x, y| {
            (x - middle) * (x - middle) + (y - hole) * (y - hole) <= 26.0 * 26.0
        });
        self.plate(middle - 11.0..middle + 11.0, hole..hole + 68.0, 10.0, accent);
    }

    /// The digits 1930 on a plate.
    fn helpline(&mut self, top: f32) {
        self.plate(190.0..890.0, top..top + 210.0, 36.0, PAPER);
        // The one has but its right strokes; the places are such that the strokes, not the digits, stand in the middle.
        for (digit, left) in [(1, 205.0), (9, 363.0), (3, 521.0), (0, 679.0)] {
            self.digit(digit, left, top + 30.0);
        }
    }

    /// A digit of seven strokes, 110 wide and 150 high.
    fn digit(&mut self, digit: usize, left: f32, top: f32) {
        /// Of each digit, from the lowest bit: top, upper right, lower right, bottom, lower left, upper left, middle.
        const STROKES: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];
        /// Left, top, right, bottom of each stroke.
        const PLACES: [[f32; 4]; 7] = [
            [0.0, 0.0, 110.0, 24.0],
            [86.0, 0.0, 110.0, 84.0],
            [86.0, 66.0, 110.0, 150.0],
            [0.0, 126.0, 110.0, 150.0],
            [0.0, 66.0, 24.0, 150.0],
            [0.0, 0.0, 24.0, 84.0],
            [0.0, 63.0, 110.0, 87.0],
        ];
        for (stroke, [x, y, right, bottom]) in PLACES.into_iter().enumerate() {
            if STROKES[digit] >> stroke & 1 == 1 {
                self.plate(left + x..left + right, top + y..top + bottom, 9.0, NIGHT);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_poster_is_a_png_that_every_channel_takes_and_always_the_same() {
        let file = poster([196, 52, 36]).unwrap();
        assert!(file.len() <= 300 * 1024, "{} bytes", file.len());
        let image = image::load_from_memory_with_format(&file, ImageFormat::Png).unwrap();
        assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT));
        assert_eq!(image.to_rgb8().get_pixel(5, 5).0, [196, 52, 36]);
        assert_eq!(file, poster([196, 52, 36]).unwrap());
    }
}
