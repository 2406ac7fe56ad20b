//! The conditions of an audience as SQL.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Statement, Value};
use senani_order::Rank;
use senani_store::Timestamp;
use uuid::Uuid;

use crate::domain::{AudienceGroups, Gender, MemberState, PersonFilter};

/// Who is asked for: members `m` with enrolments `e`.
#[derive(Debug, Clone, Copy)]
pub(super) struct AudienceQuery<'q> {
    pub(super) groups: &'q AudienceGroups,
    pub(super) persons: &'q PersonFilter,
    pub(super) as_of: Timestamp,
}

/// How the members are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the enrolments of the groups: the register is large beside them.
    Groups,
    /// Through everybody in the order of their ids, which is the order of both tables.
    Members,
}

impl AudienceQuery<'_> {
    /// Rows, persons and who of them consents.
    pub(super) fn count(&self, backend: DbBackend, way: Way) -> Statement {
        let mut sql = Sql::new(backend, self.as_of);
        let within = self.within(&mut sql, way);
        let persons = self.persons(&mut sql);
        let consenting = if backend == DbBackend::Postgres { "m.consents::int" } else { "m.consents" };
        // A person in several groups is one row of `p`.
        let text = format!(
            "SELECT CAST(COALESCE(SUM(p.enrolments), 0) AS bigint), COUNT(*), CAST(COALESCE(SUM({consenting}), 0) AS bigint) \
             FROM (SELECT e.member_id, COUNT(*) AS enrolments FROM enrolment e WHERE {within} GROUP BY e.member_id) AS p \
             JOIN member m ON m.id = p.member_id WHERE {persons}"
        );
        sql.statement(text)
    }

    /// Id, unit, language and channels of everybody after `after` who consents, each once, in the order of the ids; `limit` of them at most.
    pub(super) fn reached(&self, backend: DbBackend, way: Way, after: Uuid, limit: Option<i64>) -> Statement {
        let mut sql = Sql::new(backend, self.as_of);
        let after = sql.put(after);
        let within = self.within(&mut sql, way);
        let enrolled = match (backend, way) {
            (DbBackend::Postgres, _) | (_, Way::Groups) => {
                format!("m.id IN (SELECT e.member_id FROM enrolment e WHERE e.member_id > {after} AND {within})")
            }
            (_, Way::Members) => {
                format!("EXISTS (SELECT 1 FROM enrolment e WHERE e.member_id = m.id AND {within})")
            }
        };
        let persons = self.persons(&mut sql);
        let present = format!("i.valid_to = 0 AND i.member_id > {after}");
        let (channels, join) = match (backend, way) {
            (DbBackend::Postgres, Way::Members) => (
                "COALESCE(c.channels, 0)",
                format!(
                    " LEFT JOIN (SELECT i.member_id, bit_or(1 << i.kind) AS channels FROM member_identifier i WHERE {present} \
                     GROUP BY i.member_id) AS c ON c.member_id = m.id"
                ),
            ),
            (DbBackend::Postgres, Way::Groups) => (
                "COALESCE((SELECT bit_or(1 << i.kind) FROM member_identifier i WHERE i.member_id = m.id AND i.valid_to = 0), 0)",
                String::new(),
            ),
            _ => (
                "COALESCE((SELECT SUM(DISTINCT 1 << i.kind) FROM member_identifier i WHERE i.member_id = m.id \
                 AND i.valid_to = 0), 0)",
                String::new(),
            ),
        };
        let mut text = format!(
            "SELECT m.id, m.unit_id, m.language, {channels} FROM member m{join} WHERE m.id > {after} AND m.consents AND {persons} \
             AND {enrolled} ORDER BY m.id"
        );
        if let Some(limit) = limit {
            let _ = write!(text, " LIMIT {}", sql.put(limit));
        }
        sql.statement(text)
    }

    /// What holds for an enrolment `e` in a group of the audience.
    fn within(&self, sql: &mut Sql, way: Way) -> String {
        let enrolled = enrolled("e");
        if self.groups.all {
            return enrolled;
        }
        let listed = sql.is_one_of("e.group_id", &self.groups.within);
        match way {
            Way::Groups => format!("{enrolled} AND {listed}"),
            // Not to be looked up in an index: that would be once for each group, for each member.
            Way::Members => format!("{enrolled} AND ({listed}) IS TRUE"),
        }
    }

    /// What holds for a member `m` of the audience, the enrolments aside.
    fn persons(&self, sql: &mut Sql) -> String {
        let PersonFilter { categories, ranks, genders, languages, without } = self.persons;
        let active = sql.put(MemberState::Active as i32);
        let mut text = format!("m.state = {active}");
        let texts = |list: &[String]| list.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>();
        for (column, values) in [
            ("m.category", texts(categories)),
            ("m.rank", ranks.iter().copied().map(Rank::number).map(Value::from).collect()),
            ("m.gender", genders.iter().copied().map(Gender::word).map(Value::from).collect()),
            ("m.language", texts(languages)),
        ] {
            if !values.is_empty() {
                let list: Vec<String> = values.into_iter().map(|value| sql.put(value)).collect();
                let _ = write!(text, " AND {column} IN ({})", list.join(","));
            }
        }
        if !without.is_empty() {
            let _ = write!(text, " AND NOT ({})", sql.is_one_of("m.id", without));
        }
        if !self.groups.excluded.is_empty() {
            let listed = sql.is_one_of("x.group_id", &self.groups.excluded);
            let enrolled = enrolled("x");
            let _ = write!(
                text,
                " AND NOT EXISTS (SELECT 1 FROM enrolment x WHERE x.member_id = m.id AND {enrolled} AND ({listed}) IS TRUE)"
            );
        }
        text
    }
}

/// What holds for an enrolment as of `$1`.
fn enrolled(row: &str) -> String {
    format!("{row}.started_at <= $1 AND ({row}.ended_at = 0 OR {row}.ended_at > $1)")
}

/// A statement while it is written, with its parameters; the first is the moment.
struct Sql {
    backend: DbBackend,
    values: Vec<Value>,
}

impl Sql {
    fn new(backend: DbBackend, as_of: Timestamp) -> Self {
        Self { backend, values: vec![as_of.0.into()] }
    }

    /// Adds a parameter; what stands for it.
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// That a column is one of any number of ids, which are one parameter.
    fn is_one_of(&mut self, column: &str, ids: &[Uuid]) -> String {
        if self.backend == DbBackend::Postgres {
            let values = ids.iter().map(|id| Value::from(*id)).collect();
            let list = self.put(Value::Array(ArrayType::Uuid, Some(Box::new(values))));
            return format!("{column} IN (SELECT unnest({list}::uuid[]))");
        }
        let mut list = String::with_capacity(ids.len() * 35 + 2);
        for id in ids {
            let _ = write!(list, "{}\"{}\"", if list.is_empty() { "[" } else { "," }, id.simple());
        }
        list.push_str(if ids.is_empty() { "[]" } else { "]" });
        let list = self.put(list);
        format!("{column} IN (SELECT unhex(value) FROM json_each({list}))")
    }

    fn statement(self, text: String) -> Statement {
        Statement::from_sql_and_values(self.backend, text, self.values)
    }
}
