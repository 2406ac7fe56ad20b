//! What may be told.

use crate::domain::Micros;

/// Characters of a text at most.
pub(crate) const TEXT: usize = 4_000;
/// Characters of a short text at most: a place, what a file shows.
pub(crate) const SHORT_TEXT: usize = 500;

/// A place as it was told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    /// Degrees, WGS 84.
    pub(crate) latitude: f64,
    /// Degrees, WGS 84.
    pub(crate) longitude: f64,
}

impl Position {
    /// The position of two numbers; `None` for 0 and 0, where nobody of ours is, and for what is none.
    pub(crate) fn of(latitude: f64, longitude: f64) -> Option<Self> {
        let sound = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        (sound && (latitude != 0.0 || longitude != 0.0)).then_some(Self { latitude, longitude })
    }

    /// Metres between two places on a sphere of the Earth's mean radius.
    pub(crate) fn distance(self, other: Self) -> f64 {
        const RADIUS: f64 = 6_371_008.8;
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (north, east) = (to - from, (other.longitude - self.longitude).to_radians());
        let chord = (north / 2.0).sin().powi(2) + from.cos() * to.cos() * (east / 2.0).sin().powi(2);
        2.0 * RADIUS * chord.sqrt().min(1.0).asin()
    }
}

/// What is told, as far as it can be wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) text: &'a str,
    pub(crate) place_text: &'a str,
    /// Latitude and longitude.
    pub(crate) degrees: Option<(f64, f64)>,
    /// When it happened; 0 when it was not said.
    pub(crate) occurred_at: Micros,
}

/// What is wrong with it: the field and why; `None` when it may be told.
pub(crate) fn fault(told: &Told<'_>, now: Micros) -> Option<(&'static str, &'static str)> {
    let position = told.degrees.and_then(|(latitude, longitude)| Position::of(latitude, longitude));
    let no_degrees = told.degrees.is_none_or(|degrees| degrees == (0.0, 0.0));
    if told.text.chars().count() > TEXT {
        Some(("content.text", "is over 4,000 characters"))
    } else if told.place_text.chars().count() > SHORT_TEXT {
        Some(("content.place.text", "is over 500 characters"))
    } else if !no_degrees && position.is_none() {
        Some(("content.place", "latitude is -90 to 90 degrees, longitude -180 to 180"))
    } else if told.text.trim().is_empty() && told.place_text.trim().is_empty() && position.is_none() {
        Some(("content", "must have a text or a place"))
    } else if told.occurred_at > now {
        Some(("content.occur_time", "is in the future"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_or_a_place_is_told_and_of_the_past() {
        let long = "क".repeat(TEXT + 1);
        for (text, place, degrees, at, expected) in [
            ("seen", "", None, 0, None),
            ("", "Gandhi Maidan", Some((0.0, 0.0)), 9, None),
            ("", "", Some((25.6, 85.1)), 0, None),
            (" ", "", None, 0, Some("content")),
            ("", "", Some((0.0, 0.0)), 0, Some("content")),
            ("seen", "", Some((91.0, 0.0)), 0, Some("content.place")),
            ("seen", "", Some((f64::NAN, 1.0)), 0, Some("content.place")),
            ("seen", "", None, 11, Some("content.occur_time")),
            (&long, "", None, 0, Some("content.text")),
        ] {
            let told = Told { text, place_text: place, degrees, occurred_at: at };
            assert_eq!(fault(&told, 10).map(|(field, _)| field), expected, "{place} {degrees:?} {at}");
        }
    }

    #[test]
    fn a_distance_is_that_of_the_map() {
        let patna = Position::of(25.5941, 85.1376).unwrap();
        let gaya = Position::of(24.7914, 85.0002).unwrap();
        assert!((patna.distance(gaya) - 90_300.0).abs() < 500.0, "{}", patna.distance(gaya));
        assert!(patna.distance(patna) < 0.001);
    }
}
