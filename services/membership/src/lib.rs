//! Orders, groups, members, enrolments, consent: the only place with personal data.
