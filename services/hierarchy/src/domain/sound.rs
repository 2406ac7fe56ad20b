//! How a word sounds, so that one written in Devanagari, in Latin letters or with a slip is recognised.
//!
//! A word's key holds its consonants, folded (aspirates, doubled letters, q and k, z and j, sibilants and nasals are one each), and its
//! vowels but for every `a`, short or long, which Latin writing leaves open: मुजफ्फरपुर and Muzaffarpur are both `mujfrpur`.

/// The words of a text as keys, in their order; words without a sound are left out.
pub(super) fn keys(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || is_mark(letter)));
    words.map(key).filter(|key| !key.is_empty()).collect()
}

/// A sign of Devanagari that belongs to the letter before it.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{955}'..='\u{957}' | '\u{962}' | '\u{963}')
}

/// The key of one word.
pub(super) fn key(word: &str) -> String {
    let mut latin = String::with_capacity(word.len());
    let letters: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        // A dot below makes another letter; ज्ञ is said gy.
        let (text, taken) = match rest {
            ['ज', '\u{94d}', 'ञ', ..] => ("gy", 3),
            [letter, '\u{93c}', ..] => (dotted(*letter), 2),
            [letter, ..] => (romanised(*letter), 1),
            [] => ("", 1),
        };
        if text.is_empty() && letters[at].is_ascii() {
            latin.push(letters[at]);
        }
        latin.push_str(text);
        at += taken;
        // Without the vowel that a consonant carries, सहार would begin with the sound of श.
        let carries = ('क'..='ह').contains(&rest[0]) || ('\u{958}'..='\u{95f}').contains(&rest[0]);
        if carries && !letters.get(at).is_some_and(|next| matches!(next, '\u{93e}'..='\u{94d}')) {
            latin.push('a');
        }
    }
    fold(&latin)
}

/// Latin letters of a letter that is not ASCII; empty for what has no sound of its own, and for ASCII.
fn romanised(letter: char) -> &'static str {
    match letter {
        'क' | '\u{958}' => "k",
        'ख' | '\u{959}' => "kh",
        'ग' | '\u{95a}' => "g",
        'घ' => "gh",
        'च' => "ch",
        'छ' => "chh",
        'ज' | '\u{95b}' => "j",
        'झ' => "jh",
        'ट' | 'त' | 'ṭ' => "t",
        'ठ' | 'थ' => "th",
        'ड' | 'द' | 'ḍ' => "d",
        'ढ' | 'ध' => "dh",
        'ङ' | 'ञ' | 'ण' | 'न' | 'ṇ' | 'ṅ' | 'ñ' | '\u{901}' | '\u{902}' | 'ṃ' => "n",
        'प' => "p",
        'फ' | '\u{95e}' => "f",
        'ब' => "b",
        'भ' => "bh",
        'म' => "m",
        'य' | '\u{95f}' => "y",
        'र' | '\u{95c}' | '\u{95d}' => "r",
        'ṛ' | 'ऋ' | 'ृ' => "ri",
        'ल' | 'ळ' => "l",
        'व' => "v",
        'श' | 'ष' | 'ś' | 'ṣ' => "sh",
        'स' => "s",
        'ह' => "h",
        'अ' | 'आ' | 'ा' | 'ā' | 'á' | 'à' | 'ॉ' | 'ऑ' => "a",
        'इ' | 'ई' | 'ि' | 'ी' | 'ī' | 'í' => "i",
        'उ' | 'ऊ' | 'ु' | 'ू' | 'ū' | 'ú' => "u",
        'ए' | 'ऐ' | 'े' | 'ै' | 'ē' | 'é' => "e",
        'ओ' | 'औ' | 'ो' | 'ौ' | 'ō' | 'ó' => "o",
        '०' => "0",
        '१' => "1",
        '२' => "2",
        '३' => "3",
        '४' => "4",
        '५' => "5",
        '६' => "6",
        '७' => "7",
        '८' => "8",
        '९' => "9",
        _ => "",
    }
}

/// The same of a letter with a dot below.
fn dotted(letter: char) -> &'static str {
    match letter {
        'ड' | 'ढ' => "r",
        'फ' => "f",
        other => romanised(other),
    }
}

/// Latin letters to the key.
fn fold(latin: &str) -> String {
    let letters: Vec<char> = latin.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut key = String::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let (sound, taken): (&str, usize) = match &letters[at..] {
            ['c', 'h', 'h', ..] => ("c", 3),
            ['k', 'h', ..] | ['c', 'k', ..] => ("k", 2),
            ['c', 'h', ..] => ("c", 2),
            ['g', 'h', ..] => ("g", 2),
            ['j', 'h', ..] => ("j", 2),
            ['t', 'h', ..] => ("t", 2),
            ['d', 'h', ..] => ("d", 2),
            ['b', 'h', ..] => ("b", 2),
            ['p', 'h', ..] => ("f", 2),
            ['s', 'h', ..] => ("s", 2),
            ['r', 'h', ..] => ("r", 2),
            ['e', 'e', ..] => ("i", 2),
            ['o', 'o', ..] => ("u", 2),
            ['a', 'i', ..] => ("e", 2),
            ['a', 'u', ..] => ("o", 2),
            // At the end of a word व is written o: Dumraon for डुमरांव, Deo for देव.
            ['n', 'v', 'a'] | ['n', 'v'] => ("on", 3),
            ['v', 'a'] | ['v'] if at > 0 => ("o", 2),
            // A nasal before a lip sound is written as it is said.
            ['m', 'p' | 'b', ..] => ("n", 1),
            ['c' | 'q' | 'k', ..] => ("k", 1),
            ['z' | 'j', ..] => ("j", 1),
            ['w' | 'v', ..] => ("v", 1),
            ['y' | 'i', ..] => ("i", 1),
            ['x', ..] => ("ks", 1),
            // Silent at the end: Arrah.
            ['h'] | ['h', 'a'] => ("", 2),
            ['a', ..] if at == 0 => ("a", 1),
            ['a', ..] => ("", 1),
            [letter, ..] => {
                key.push(*letter);
                ("", 1)
            }
            [] => ("", 1),
        };
        key.push_str(sound);
        at += taken;
    }
    // Doubled sounds are one; a word of nothing but a's is one too.
    let mut last = None;
    key.retain(|letter| letter.is_ascii_digit() || last.replace(letter) != Some(letter));
    key
}

/// How alike two keys are, 0 to 1: the same, one the beginning of the other, or a few slips apart.
pub(super) fn likeness(asked: &str, known: &str) -> f64 {
    if asked == known {
        return 1.0;
    }
    let (asked, known): (Vec<u8>, Vec<u8>) = (asked.bytes().collect(), known.bytes().collect());
    let longer = asked.len().max(known.len());
    if asked.len() >= 3 && known.starts_with(&asked) {
        // From 0.8 for a short beginning to nearly the whole.
        return 0.8 + 0.15 * asked.len() as f64 / longer as f64;
    }
    let allowed = match asked.len() {
        0..=2 => return 0.0,
        3..=5 => 1,
        _ => 2,
    };
    let slips = slips(&asked, &known, allowed);
    // A slip weighs more in a short word.
    slips.map_or(0.0, |slips| 0.95 - slips as f64 / longer as f64)
}

/// Letters left out, put in, exchanged or turned round, if they are at most `allowed`.
fn slips(one: &[u8], other: &[u8], allowed: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > allowed {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let changed = above[column] + usize::from(letter != against);
            let mut least = changed.min(above[column + 1] + 1).min(current[column] + 1);
            let turned = row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *against;
            if turned {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|slips| *slips <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_key_in_both_scripts() {
        let pairs = [
            ("मुजफ्फरपुर", "Muzaffarpur"),
            ("मुज़फ़्फ़रपुर", "Muzaffarpur"),
            ("पटना", "Patna"),
            ("आरा", "Arrah"),
            ("गया", "Gaya"),
            ("भोजपुर", "Bhojpur"),
            ("चंपारण", "Champaran"),
            ("चम्पारण", "Champaran"),
            ("वैशाली", "Vaishali"),
            ("बाढ़", "Barh"),
            ("कोतवाली", "Kotwali"),
            ("छपरा", "Chhapra"),
            ("औरंगाबाद", "Aurangabad"),
            ("समस्तीपुर", "Samastipur"),
            ("लक्ष्मीपुर", "Laxmipur"),
            ("थाना", "Thana"),
            ("सहार", "Sahar"),
            ("जहानाबाद", "Jahanabad"),
            ("डुमरांव", "Dumraon"),
            ("देव", "Deo"),
        ];
        for (hindi, english) in pairs {
            assert_eq!(key(hindi), key(english), "{hindi} and {english}");
        }
        assert_eq!(key("मुजफ्फरपुर"), "mujfrpur");
    }

    #[test]
    fn slips_are_forgiven_and_other_words_are_not() {
        for slip in ["Muzafarpur", "Mujaffarpur", "Muzzaffarpor", "Muzaffrapur", "Muzafarpu"] {
            assert!(likeness(&key(slip), "mujfrpur") > 0.6, "{slip}");
        }
        for other in ["Samastipur", "Patna", "Muzaffar Nagar Colony"] {
            assert!(likeness(&key(other), "mujfrpur") < 0.6, "{other}");
        }
        assert_eq!(slips(b"abcd", b"abdc", 2), Some(1), "turned round");
    }
}
