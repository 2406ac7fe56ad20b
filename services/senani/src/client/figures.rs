//! Figures as people read them.

/// 1234567 as 12,34,567: the way of India.
pub(crate) fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    let mut grouped = String::new();
    for (index, digit) in head.chars().enumerate() {
        if index > 0 && (head.len() - index).is_multiple_of(2) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !head.is_empty() {
        grouped.push(',');
    }
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{grouped}{tail}")
}

/// A part of a whole, e.g. `97.3 %`.
pub(crate) fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    // In thousandths, rounded down: what is not complete must not read 100 %.
    let thousandths = i128::from(part) * 1000 / i128::from(whole);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// A table with right-aligned figures; the first column is text, the last may be text in any script.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::from("  ");
        for (column, cell) in cells.enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let last = column + 1 == widths.len();
            match column {
                0 => line.push_str(&format!("{cell}{pad}")),
                // Devanagari is not as wide as it is long: nothing stands behind it.
                _ if last && !cell.is_ascii() => line.push_str(&format!("  {cell}")),
                _ => line.push_str(&format!("  {pad}{cell}")),
            }
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_in_india() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (100_000, "1,00,000"),
            (12_345_678, "1,23,45,678"),
            (-1_234, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn what_is_not_complete_never_reads_a_hundred() {
        assert_eq!(share(999_999, 1_000_000), "99.9 %");
        assert_eq!(share(3, 3), "100.0 %");
        assert_eq!(share(0, 0), "–");
    }
}
