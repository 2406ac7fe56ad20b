//! Numbers of bulletins.

use time::{OffsetDateTime, UtcOffset};

use super::Micros;

/// The number on the paper, e.g. `EOU/2026/0142`: the issuing unit's slug in capitals, the year, and the how-manieth of this unit in
/// this year. The whole slug, because it alone is unique: `PATNA` would be many stations.
pub(crate) fn format(slug: &str, year: i32, sequence: i64) -> String {
    format!("{}/{year}/{sequence:04}", slug.to_ascii_uppercase())
}

/// The year of a moment where the state's clocks are.
pub(crate) fn year_of(at: Micros, offset: UtcOffset) -> i32 {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000_000)).map_or(1970, |time| time.to_offset(offset).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_unit_year_and_sequence() {
        assert_eq!(format("eou", 2026, 142), "EOU/2026/0142");
        assert_eq!(format("patna-kotwali-ps", 2026, 12_345), "PATNA-KOTWALI-PS/2026/12345");
    }

    #[test]
    fn the_year_turns_at_midnight_in_india() {
        let offset = UtcOffset::from_hms(5, 30, 0).unwrap();
        // 2026-12-31T18:29:59Z and one second later.
        assert_eq!(year_of(1_798_741_799_000_000, offset), 2026);
        assert_eq!(year_of(1_798_741_800_000_000, offset), 2027);
    }
}
