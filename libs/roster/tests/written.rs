//! Whatever the applications write is read back as it was meant.

use proptest::prelude::*;
use senani_roster::{Format, Locale, Participant, RosterError, Standing, parse};

/// Somebody in a group, as a test means it.
#[derive(Debug, Clone)]
struct Person {
    number: u32,
    admin: Option<bool>,
    standing: Standing,
    /// Had this number before.
    formerly: Option<u32>,
}

/// How a phone writes.
#[derive(Debug, Clone, Copy)]
struct Phone {
    ios: bool,
    hindi: bool,
    twelve_hours: bool,
    native_digits: bool,
    marks: bool,
}

fn phones() -> impl Strategy<Value = Phone> {
    any::<[bool; 5]>().prop_map(|[ios, hindi, twelve_hours, native_digits, marks]| Phone {
        ios,
        hindi,
        twelve_hours,
        native_digits: native_digits && hindi,
        marks,
    })
}

/// Different numbers: those before a change are above those of now.
fn people() -> impl Strategy<Value = Vec<Person>> {
    let standing =
        prop_oneof![4 => Just(Standing::Present), 1 => Just(Standing::Left), 1 => Just(Standing::NumberChanged)];
    let person = (standing, any::<Option<bool>>(), any::<bool>());
    proptest::collection::vec(person, 1..30).prop_map(|people| {
        (0..)
            .zip(people)
            .map(|(number, (standing, admin, changed))| Person {
                number,
                admin,
                standing,
                formerly: changed.then_some(10_000 + number),
            })
            .collect()
    })
}

fn digits(number: u32) -> String {
    format!("10{number:08}")
}

/// As WhatsApp shows a number that is not saved.
fn shown(number: u32) -> String {
    let digits = digits(number);
    format!("+91 {} {}", &digits[..5], &digits[5..])
}

impl Phone {
    fn number(self, number: u32) -> String {
        if self.marks { format!("\u{202a}{}\u{202c}", shown(number)) } else { shown(number) }
    }

    fn stamp(self, minute: usize) -> String {
        let (hour, minute) = ((minute / 60) % 12 + 1, minute % 60);
        let half = match (self.hindi, self.ios) {
            (true, false) => "अपराह्न",
            (true, true) => "pm",
            (false, true) => "PM",
            (false, false) => "pm",
        };
        let space = if self.marks { '\u{202f}' } else { ' ' };
        let seconds = if self.ios { ":07" } else { "" };
        let time = if self.twelve_hours {
            format!("{hour}:{minute:02}{seconds}{space}{half}")
        } else {
            format!("{:02}:{minute:02}{seconds}", hour + 11)
        };
        let stamp = format!("12/05/26, {time}");
        if !self.native_digits {
            return stamp;
        }
        let native = |digit: char| char::from_u32(u32::from(digit) - 0x30 + 0x0966).expect("a digit");
        stamp.chars().map(|character| if character.is_ascii_digit() { native(character) } else { character }).collect()
    }

    fn line(self, minute: usize, text: &str) -> String {
        let stamp = self.stamp(minute);
        if self.ios { format!("[{stamp}] {text}\r\n") } else { format!("{stamp} - {text}\n") }
    }

    /// What the application says.
    fn says(self, minute: usize, text: &str) -> String {
        if self.ios { self.line(minute, &format!("Kotwali: \u{200e}{text}")) } else { self.line(minute, text) }
    }

    /// The chat in which these people came to be what they are. What they wrote is in it too.
    fn chat(self, people: &[Person], message: &str) -> String {
        let mut chat = String::new();
        let mut minute = 0;
        let mut say = |phone: Self, text: String, own: bool| {
            minute += 1;
            let line = if own { phone.line(minute, &text) } else { phone.says(minute, &text) };
            chat.push_str(&line);
        };
        let e2e = ["Messages and calls are end-to-end encrypted.", "मैसेज और कॉल एंड-टू-एंड एन्क्रिप्टेड हैं."];
        say(self, e2e[usize::from(self.hindi)].to_owned(), false);
        for (index, person) in people.iter().enumerate() {
            let now = self.number(person.number);
            let first = person.formerly.map_or(now.clone(), |before| self.number(before));
            let joined = match (self.hindi, index % 3) {
                (false, 0) => format!("{first} joined using this group's invite link"),
                (false, 1) => format!("Ravi Kumar added {first}"),
                (false, _) => format!("You added {first}"),
                (true, 0) => format!("{first} इस ग्रुप के इनवाइट लिंक के ज़रिए जुड़े"),
                (true, 1) => format!("रवि कुमार ने {first} को जोड़ा"),
                (true, _) => format!("आपने {first} को जोड़ा"),
            };
            say(self, joined, false);
            say(self, format!("{first}: {message}"), true);
            if person.formerly.is_some() {
                let changed = if self.hindi {
                    format!("{first} ने अपना फ़ोन नंबर बदलकर {now} कर लिया है")
                } else {
                    format!("{first} changed to {now}")
                };
                say(self, changed, false);
            }
            if let Some(admin) = person.admin {
                let admin = match (self.hindi, admin) {
                    (false, true) => format!("{now} is now an admin"),
                    (false, false) => format!("{now} is no longer an admin"),
                    (true, true) => format!("{now} अब एडमिन हैं"),
                    (true, false) => format!("{now} अब एडमिन नहीं हैं"),
                };
                say(self, admin, false);
            }
            let gone = match (person.standing, self.hindi, index % 2) {
                (Standing::Present, ..) => None,
                (Standing::Left, false, 0) => Some(format!("{now} left")),
                (Standing::Left, false, _) => Some(format!("Ravi Kumar removed {now}")),
                (Standing::Left, true, 0) => Some(format!("{now} ने ग्रुप छोड़ दिया")),
                (Standing::Left, true, _) => Some(format!("रवि कुमार ने {now} को हटाया")),
                (Standing::NumberChanged, false, _) => Some(format!(
                    "{now} changed their phone number to a new number. Tap to message or add the new number."
                )),
                (Standing::NumberChanged, true, _) => {
                    Some(format!("{now} ने अपना फ़ोन नंबर बदल लिया है। नया नंबर जोड़ने के लिए टैप करें।"))
                }
            };
            if let Some(gone) = gone {
                say(self, gone, false);
            }
        }
        chat
    }
}

/// Number of now, number of before, whether an administrator, and whether there: what must come out.
type Seen = (String, Option<String>, Option<bool>, Standing);

fn seen(participants: &[Participant]) -> Vec<Seen> {
    let digits = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len() - 10..].to_owned()
    };
    let mut seen: Vec<Seen> = participants
        .iter()
        .map(|participant| {
            assert!(participant.formerly.len() <= 1);
            let formerly = participant.formerly.first().map(|number| digits(number.expose()));
            (digits(participant.number.expose()), formerly, participant.admin, participant.standing)
        })
        .collect();
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    seen
}

fn meant(people: &[Person]) -> Vec<Seen> {
    let meant = |person: &Person| (digits(person.number), person.formerly.map(digits), person.admin, person.standing);
    people.iter().map(meant).collect()
}

/// Messages of any kind, also such as look like what the application says; never with a line of their own.
fn messages() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\r\n\u{200e}]{0,40}",
        Just("+91 10000 09999 left".to_owned()),
        Just("I added +91 10000 09999".to_owned()),
        Just("रवि ने +91 10000 09999 को हटाया".to_owned()),
        Just("x\nsecond line: +91 10000 09999 left\n\n[not a stamp] y".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_chat_is_read_as_it_was(people in people(), phone in phones(), message in messages()) {
        let roster = parse(phone.chat(&people, &message).as_bytes()).unwrap();
        prop_assert_eq!(roster.format, Format::ChatExport);
        prop_assert_eq!(roster.locale, if phone.hindi { Locale::Hindi } else { Locale::English });
        prop_assert_eq!(seen(&roster.participants), meant(&people));
        prop_assert_eq!(roster.without_number, 0);
        // Nothing of a message is in what is printed, and no number.
        let printed = format!("{roster:?}");
        prop_assert!(!printed.contains("9999") && !printed.contains("10000"));
    }

    #[test]
    fn a_list_is_read_as_it_was(people in people(), names in 0usize..5, own in any::<bool>(), hindi in any::<bool>(), marks in any::<bool>()) {
        let phone = Phone { ios: false, hindi, twelve_hours: true, native_digits: false, marks };
        let mut entries: Vec<String> = (0..names).map(|number| format!("Ravi {number}")).collect();
        entries.extend(people.iter().map(|person| phone.number(person.number)));
        if own {
            entries.push(if hindi { "आप" } else { "You" }.to_owned());
        }
        let roster = parse(entries.join(", ").as_bytes()).unwrap();
        let there: Vec<Person> = people
            .into_iter()
            .map(|person| Person { admin: None, standing: Standing::Present, formerly: None, ..person })
            .collect();
        prop_assert_eq!(roster.format, Format::List);
        prop_assert_eq!(seen(&roster.participants), meant(&there));
        prop_assert_eq!((roster.without_number, roster.own), (names, own));
    }

    #[test]
    fn a_table_is_read_as_it_was(
        people in people(),
        hindi in any::<bool>(),
        separator in prop::sample::select(vec![',', ';', '\t']),
        encoding in 0..4,
        guard in prop::sample::select(vec!["", "'", "="]),
        names in 0usize..4,
    ) {
        let header = if hindi { ["नाम", "फ़ोन नंबर", "एडमिन"] } else { ["Name", "Phone Number", "Is Admin"] };
        let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = |cells: [&str; 3]| cells.map(cell).join(&separator.to_string()) + "\r\n";
        let mut table = row(header);
        for _ in 0..names {
            table += &row(["Devi; Sita, \"Didi\"\tX", "", ""]);
        }
        for person in &people {
            let number = match guard {
                "=" => format!("=\"{}\"", shown(person.number)),
                guard => format!("{guard}{}", shown(person.number)),
            };
            let admin = match (person.admin, hindi) {
                (None, _) => "unknown",
                (Some(true), false) => "Admin",
                (Some(true), true) => "हाँ",
                (Some(false), false) => "no",
                (Some(false), true) => "नहीं",
            };
            table += &row(["~", &number, admin]);
        }
        let wide = |unit: fn(u16) -> [u8; 2]| "\u{feff}".encode_utf16().chain(table.encode_utf16()).flat_map(unit).collect::<Vec<u8>>();
        let bytes = match encoding {
            0 => table.clone().into_bytes(),
            1 => format!("\u{feff}{table}").into_bytes(),
            2 => wide(u16::to_le_bytes),
            _ => wide(u16::to_be_bytes),
        };
        let there: Vec<Person> =
            people.into_iter().map(|person| Person { standing: Standing::Present, formerly: None, ..person }).collect();
        let roster = parse(&bytes).unwrap();
        prop_assert_eq!((roster.format, roster.locale), (Format::Table, if hindi { Locale::Hindi } else { Locale::English }));
        prop_assert_eq!(seen(&roster.participants), meant(&there));
        prop_assert_eq!(roster.without_number, names);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_text_like_these_is_read_without_a_panic(
        text in "(\\[?12/05/26, 9:41( pm|\u{202f}अपराह्न)?(\\] | - )?|\\+91 10612 00001|: |\u{200e}| added | left| ने | को | बदलकर | जोड़ा|ग्रुप|, |;|\"|\n|\t|Name,Phone\n|changed to |you|आप){0,40}"
    ) {
        let _ = parse(text.as_bytes());
    }
}

#[test]
fn files_that_are_no_rosters_say_why() {
    assert_eq!(parse(&vec![b' '; senani_roster::MAX_BYTES + 1]), Err(RosterError::TooLarge));
    assert_eq!(parse(b"PK\x03\x04"), Err(RosterError::Archive));
    assert_eq!(parse(b"\xff\xff"), Err(RosterError::NotText));
    assert_eq!(parse(b""), Err(RosterError::NoParticipants));
    assert_eq!(parse("Name,Phone\n".as_bytes()), Err(RosterError::NoParticipants));
    let many: String = (0..=senani_roster::MAX_PARTICIPANTS).map(|number| format!("10{number:08},")).collect();
    assert_eq!(parse(many.as_bytes()), Err(RosterError::TooMany));
}
