//! Sound queries over the schema, grown by the rules of the language.
//!
//! A query is grown stage by stage; what columns it has, and of which types, is known at every place,
//! so that expressions can be written that fit. Everything follows from a seed.

use fastrand::Rng;
use huntd::rules::kql::schema::{Schema, Table};
use huntd::rules::kql::types::Type;

/// A column: its name, its type.
type Columns = Vec<(String, Type)>;

/// Grows a query.
pub(crate) struct Grower<'a> {
    rng: Rng,
    tables: Vec<&'a Table>,
    /// Scalars that `let` has given names to.
    scalars: Columns,
    /// Tables that `let` has given names to.
    named: Vec<(String, Columns)>,
    /// How many names were made.
    made: usize,
}

/// The types that expressions are made of.
const TYPES: [Type; 7] =
    [Type::Bool, Type::String, Type::Long, Type::Real, Type::Datetime, Type::Timespan, Type::DYNAMIC];

/// The query of a seed.
pub(crate) fn query(seed: u64, schema: &Schema) -> String {
    let mut tables: Vec<&Table> = schema.tables().collect();
    tables.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Grower { rng: Rng::with_seed(seed), tables, scalars: Vec::new(), named: Vec::new(), made: 0 }.query()
}

impl Grower<'_> {
    fn query(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.rng.usize(..4) {
            text += &self.declaration();
        }
        let stages = self.rng.usize(1..7);
        let (pipe, _) = self.pipe(stages);
        text += &pipe;
        text += self.one(&[
            "",
            "",
            "",
            "\n| render timechart",
            "\n| render columnchart with (title=\"Count\", kind=stacked)",
            ";",
            "\n",
        ]);
        text
    }

    fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[self.rng.usize(..of.len())]
    }

    fn fresh(&mut self) -> String {
        self.made += 1;
        match self.rng.u8(..8) {
            0 => format!("['Made {}']", self.made),
            1 => format!("_made{}", self.made),
            _ => format!("Made{}", self.made),
        }
    }

    fn a_type(&mut self) -> Type {
        TYPES[self.rng.usize(..TYPES.len())]
    }

    fn declaration(&mut self) -> String {
        let name = format!("Given{}", self.made);
        self.made += 1;
        match self.rng.u8(..8) {
            0 | 1 => {
                let stages = self.rng.usize(..4);
                let (pipe, columns) = self.pipe(stages);
                self.named.push((name.clone(), columns));
                let wrapped = match self.rng.u8(..4) {
                    0 => format!("materialize({pipe})"),
                    1 => format!("({pipe})"),
                    _ => pipe,
                };
                format!("let {name} = {wrapped};\n")
            }
            2 => {
                let columns: Columns = vec![
                    ("Name".to_owned(), Type::String),
                    ("Count".to_owned(), Type::Long),
                    ("When".to_owned(), Type::Datetime),
                ];
                self.named.push((name.clone(), columns));
                format!(
                    "let {name} = datatable(Name:string, Count:long, When:datetime) [\n    \"a\", 1, datetime(2024-01-01),\n    'b', 2, datetime(2024-02-03T04:05:06Z)\n];\n"
                )
            }
            3 => {
                let columns: Columns = vec![("Hash".to_owned(), Type::String), ("Score".to_owned(), Type::Real)];
                self.named.push((name.clone(), columns));
                format!(
                    "let {name} = externaldata(Hash:string, Score:real) [@\"https://example.com/list.csv\"] with (format=\"csv\", ignoreFirstRecord=true);\n"
                )
            }
            4 => {
                self.scalars.push((format!("{name}(\"a\")"), Type::String));
                format!("let {name} = (part:string, length:long = 5) {{ substring(tolower(part), 0, length) }};\n")
            }
            5 => {
                let (pipe, columns) = self.pipe(1);
                self.named.push((format!("{name}()"), columns));
                format!("let {name} = () {{\n    {pipe}\n}};\n")
            }
            _ => {
                let ty = self.a_type();
                let value = self.expression(ty, &Columns::new(), 1);
                self.scalars.push((name.clone(), ty));
                format!("let {name} = {value};\n")
            }
        }
    }

    /// Where a pipe begins.
    fn base(&mut self) -> (String, Columns) {
        if !self.named.is_empty() && self.rng.u8(..3) == 0 {
            let at = self.rng.usize(..self.named.len());
            return self.named[at].clone();
        }
        let common = self.tables.iter().position(|table| &*table.name == "DeviceProcessEvents").unwrap_or(0);
        let at = if self.rng.u8(..4) == 0 { common } else { self.rng.usize(..self.tables.len()) };
        let table = self.tables[at];
        let columns = table
            .columns()
            .iter()
            .filter(|column| column.also.is_none())
            .map(|column| (column.name.to_string(), if column.ty == Type::Int { Type::Long } else { column.ty }))
            .collect();
        (table.name.to_string(), columns)
    }

    fn pipe(&mut self, stages: usize) -> (String, Columns) {
        let (mut text, mut columns) = self.base();
        for _ in 0..stages {
            if let Some(stage) = self.stage(&mut columns) {
                text += self.one(&["\n| ", "\n| ", "\n    | ", " | ", "\n// what follows \"narrows\"\n| "]);
                text += &stage;
            }
        }
        (text, columns)
    }

    fn column(&mut self, columns: &Columns, fits: impl Fn(Type) -> bool) -> Option<String> {
        let fit: Vec<&String> = columns.iter().filter(|(_, ty)| fits(*ty)).map(|(name, _)| name).collect();
        (!fit.is_empty()).then(|| fit[self.rng.usize(..fit.len())].clone())
    }

    fn some_columns(&mut self, columns: &Columns, most: usize) -> Columns {
        let mut some = columns.clone();
        self.rng.shuffle(&mut some);
        some.truncate(1 + self.rng.usize(..most));
        some
    }

    fn stage(&mut self, columns: &mut Columns) -> Option<String> {
        Some(match self.rng.u8(..22) {
            0..=4 => format!("{} {}", self.one(&["where", "where", "filter"]), self.condition(columns, 2)),
            5..=7 => self.extend(columns),
            8 => self.project(columns),
            9 => {
                let away = self.column(columns, |_| true)?;
                columns.retain(|(name, _)| *name != away);
                if columns.is_empty() {
                    columns.push((away.clone(), Type::DYNAMIC));
                    return None;
                }
                format!("project-away {away}")
            }
            10 => {
                let at = self.rng.usize(..columns.len());
                let name = self.fresh();
                let old = std::mem::replace(&mut columns[at].0, name.clone());
                format!("project-rename {name} = {old}")
            }
            11 => {
                let first = self.some_columns(columns, 3);
                let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
                columns.retain(|column| !first.contains(column));
                let stage = format!("project-reorder {}", names.join(", "));
                columns.splice(0..0, first);
                stage
            }
            12..=14 => self.summarize(columns)?,
            15 => {
                let some: Columns =
                    self.some_columns(columns, 4).into_iter().filter(|(_, ty)| !ty.is_dynamic()).collect();
                if some.is_empty() {
                    return None;
                }
                *columns = some;
                format!("distinct {}", names(columns))
            }
            16 => {
                let by = self.column(columns, |ty| !ty.is_dynamic())?;
                let how = self.one(&["", " desc", " asc", " desc nulls last", " asc nulls first"]);
                match self.rng.u8(..3) {
                    0 => format!("top {} by {by}{how}", self.rng.u8(1..)),
                    1 => format!("sort by {by}{how}"),
                    _ => format!("order by {by}{how}"),
                }
            }
            17 => format!("{} {}", self.one(&["take", "limit", "sample"]), self.rng.u8(1..)),
            18 => self.join(columns)?,
            19 => self.union(columns),
            20 => self.expand(columns)?,
            _ => self.parse(columns)?,
        })
    }

    fn extend(&mut self, columns: &mut Columns) -> String {
        let mut made = Columns::new();
        let mut parts = Vec::new();
        for _ in 0..=self.rng.usize(..3) {
            let ty = self.a_type();
            let name = self.fresh();
            parts.push(format!("{name} = {}", self.expression(ty, columns, 2)));
            made.push((name, ty));
        }
        columns.extend(made);
        format!("extend {}", parts.join(self.one(&[", ", ",\n    "])))
    }

    fn project(&mut self, columns: &mut Columns) -> String {
        let mut kept = self.some_columns(columns, 5);
        let mut parts: Vec<String> = kept.iter().map(|(name, _)| name.clone()).collect();
        for _ in 0..self.rng.usize(..3) {
            let ty = self.a_type();
            let name = self.fresh();
            parts.push(format!("{name} = {}", self.expression(ty, columns, 2)));
            kept.push((name, ty));
        }
        *columns = kept;
        format!("project {}", parts.join(", "))
    }

    fn summarize(&mut self, columns: &mut Columns) -> Option<String> {
        let mut out = Columns::new();
        let mut by = Vec::new();
        for (name, ty) in self.some_columns(columns, 3) {
            match ty {
                Type::Datetime if self.rng.bool() => {
                    by.push(format!("bin({name}, {})", self.one(&["1h", "1d", "30m"])));
                }
                _ if ty.is_dynamic() => continue,
                _ => by.push(name.clone()),
            }
            out.push((name, ty));
        }
        let mut parts = Vec::new();
        for _ in 0..self.rng.usize(..4) {
            let name = self.fresh();
            let (text, ty) = self.aggregate(columns)?;
            parts.push(format!("{name} = {text}"));
            out.push((name, ty));
        }
        if self.rng.u8(..4) == 0 && !columns.iter().any(|(name, _)| name == "count_") {
            parts.push("count()".to_owned());
            out.push(("count_".to_owned(), Type::Long));
        }
        if parts.is_empty() && by.is_empty() {
            return None;
        }
        *columns = out;
        let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
        Some(format!("summarize {}{by}", parts.join(", ")))
    }

    fn aggregate(&mut self, columns: &Columns) -> Option<(String, Type)> {
        let (any, ty) = {
            let (name, ty) = &columns[self.rng.usize(..columns.len())];
            (name.clone(), *ty)
        };
        let number = self.column(columns, Type::is_number);
        Some(match self.rng.u8(..14) {
            0 => ("count()".to_owned(), Type::Long),
            1 => (format!("countif({})", self.condition(columns, 1)), Type::Long),
            2 if !ty.is_dynamic() => (format!("dcount({any})"), Type::Long),
            3 => (format!("make_set({any}, 100)"), Type::DYNAMIC),
            4 => (format!("make_list({any})"), Type::DYNAMIC),
            5 if !ty.is_dynamic() && ty != Type::Bool => (format!("max({any})"), ty),
            6 if !ty.is_dynamic() && ty != Type::Bool => (format!("min({any})"), ty),
            7 => (format!("take_any({any})"), ty),
            8 => (format!("sum({})", number?), Type::Real),
            9 => (format!("avg({})", number?), Type::Real),
            10 => (format!("make_set_if({any}, {})", self.condition(columns, 1)), Type::DYNAMIC),
            11 => (format!("percentile({}, 95)", number?), Type::Real),
            12 if !ty.is_dynamic() => (format!("dcountif({any}, {})", self.condition(columns, 1)), Type::Long),
            _ => (format!("stdev({})", number?), Type::Real),
        })
    }

    fn join(&mut self, columns: &mut Columns) -> Option<String> {
        let (base, right) = self.base();
        let fits = |ty: Type| matches!(ty, Type::String | Type::Long | Type::Datetime);
        let keys: Vec<(String, Type)> = columns.iter().filter(|(_, ty)| fits(*ty)).cloned().collect();
        let (key, ty) = keys.get(self.rng.usize(..keys.len().max(1)))?.clone();
        let other = self.column(&right, |found| found == ty)?;
        let (joined, value) = (self.fresh(), self.fresh());
        let took = self.expression(Type::String, &right, 1);
        let right_side = format!("{base}\n    | project {joined} = {other}, {value} = {took}");
        let kind = self.one(&[
            "",
            "kind=inner ",
            "kind=leftouter ",
            "kind=leftanti ",
            "kind=leftsemi ",
            "kind=fullouter ",
            "kind=innerunique ",
        ]);
        let keeps_left = kind.contains("anti") || kind.contains("semi");
        if !keeps_left {
            columns.push((joined.clone(), ty));
            columns.push((value, Type::String));
        }
        Some(format!("join {kind}({right_side}\n) on $left.{key} == $right.{joined}"))
    }

    fn union(&mut self, columns: &mut Columns) -> String {
        let (base, _) = self.base();
        let name = self.fresh();
        let stage = format!(
            "union {}({base} | project {name} = {})",
            self.one(&["", "isfuzzy=true ", "kind=outer "]),
            self.literal(Type::String)
        );
        columns.push((name, Type::String));
        stage
    }

    fn expand(&mut self, columns: &mut Columns) -> Option<String> {
        let from = self.column(columns, Type::is_dynamic)?;
        let name = self.fresh();
        let (to, ty) = [("", Type::DYNAMIC), (" to typeof(string)", Type::String), (" to typeof(long)", Type::Long)]
            [self.rng.usize(..3)];
        let stage = match self.rng.u8(..3) {
            0 => {
                let (to, ty) = (" to typeof(string)", Type::String);
                columns.push((name.clone(), ty));
                return Some(format!("mv-apply {name} = {from}{to} on (\n    where {name} has \"a\"\n)"));
            }
            1 => format!("mv-expand {name} = {from}{to}"),
            _ => format!("mvexpand {name} = {from}{to}"),
        };
        columns.push((name, ty));
        Some(stage)
    }

    fn parse(&mut self, columns: &mut Columns) -> Option<String> {
        let from = self.column(columns, |ty| ty == Type::String)?;
        let (first, second) = (format!("Part{}", self.made), format!("Rest{}", self.made));
        self.made += 1;
        columns.push((first.clone(), Type::Long));
        columns.push((second.clone(), Type::String));
        Some(match self.rng.u8(..3) {
            0 => format!("parse kind=regex {from} with * @\"\\d\" {first}:long \" \" {second} \"\\n\" *"),
            1 => format!("parse-where {from} with \"a=\" {first}:long \" b=\" {second}"),
            _ => format!("parse {from} with * \"a=\" {first}:long \" b=\" {second} \" c=\" *"),
        })
    }

    fn condition(&mut self, columns: &Columns, depth: usize) -> String {
        self.expression(Type::Bool, columns, depth)
    }

    /// An expression of a type, over these columns.
    fn expression(&mut self, ty: Type, columns: &Columns, depth: usize) -> String {
        if depth == 0 || self.rng.u8(..5) == 0 {
            return self.leaf(ty, columns);
        }
        match ty {
            Type::Bool => self.truth(columns, depth - 1),
            Type::String => self.words(columns, depth - 1),
            Type::Long | Type::Int => self.whole(columns, depth - 1),
            Type::Real => self.real(columns, depth - 1),
            Type::Datetime => self.time(columns, depth - 1),
            Type::Timespan => self.span(columns, depth - 1),
            _ => self.dynamic(columns, depth - 1),
        }
    }

    /// A column, a named scalar or a literal.
    fn leaf(&mut self, ty: Type, columns: &Columns) -> String {
        let fits = |found: Type| found == ty || (ty.is_dynamic() && found.is_dynamic());
        if ty == Type::Bool {
            return self.comparison(columns);
        }
        let named: Vec<String> =
            self.scalars.iter().filter(|(_, found)| fits(*found)).map(|(name, _)| name.clone()).collect();
        if !named.is_empty() && self.rng.u8(..4) == 0 {
            return named[self.rng.usize(..named.len())].clone();
        }
        if self.rng.u8(..4) > 0
            && let Some(column) = self.column(columns, fits)
        {
            return column;
        }
        self.literal(ty).to_owned()
    }

    fn literal(&mut self, ty: Type) -> &'static str {
        match ty {
            Type::Bool => self.one(&["true", "false"]),
            Type::String => self.one(&[
                "\"a b\"",
                "'x'",
                "@\"C:\\Windows\\\"",
                "\"\\\\\"",
                "h\"secret\"",
                "\"\"",
                "'it\\'s'",
                "\"// no comment\"",
            ]),
            Type::Long | Type::Int => self.one(&["0", "5", "445", "-1", "0x1F", "long(12)", "1000"]),
            Type::Real => self.one(&["0.5", "1.0", "1e3", "real(2.5)", "10.25"]),
            Type::Datetime => self.one(&[
                "now()",
                "ago(7d)",
                "datetime(2024-01-31)",
                "datetime(2024-01-31T12:00:00Z)",
                "datetime(\"2024-01-31 12:00\")",
                "startofday(now())",
            ]),
            Type::Timespan => {
                self.one(&["1d", "2h", "30m", "10s", "time(1.02:00:00)", "timespan(1d)", "7days", "100ms"])
            }
            _ => self.one(&[
                "dynamic([\"a\", \"b\"])",
                "dynamic({\"a\": 1, \"b\": [1, 2]})",
                "dynamic(null)",
                "pack_array(\"a\", 1)",
                "dynamic([])",
            ]),
        }
    }

    fn comparison(&mut self, columns: &Columns) -> String {
        match self.rng.u8(..8) {
            0 => {
                let (a, b) = (self.leaf(Type::Long, columns), self.literal(Type::Long));
                format!("{a} {} {b}", self.one(&["==", "!=", ">", "<", ">=", "<=", "<>"]))
            }
            1 => {
                let (a, b) = (self.leaf(Type::Datetime, columns), self.literal(Type::Datetime));
                format!("{a} {} {b}", self.one(&[">", "<", ">=", "<="]))
            }
            2 => {
                let a = self.leaf(Type::String, columns);
                format!(
                    "{a} {} ({}, {})",
                    self.one(&["in", "in~", "!in", "!in~", "has_any", "has_all"]),
                    self.literal(Type::String),
                    self.literal(Type::String)
                )
            }
            3 => {
                let a = self.leaf(Type::Datetime, columns);
                format!("{a} between ({} .. {})", self.literal(Type::Datetime), self.literal(Type::Datetime))
            }
            4 => {
                let a = self.leaf(Type::String, columns);
                format!("{}({a})", self.one(&["isempty", "isnotempty", "ipv4_is_private"]))
            }
            5 => self
                .column(columns, |ty| ty == Type::Bool)
                .map_or_else(|| "true == true".to_owned(), |column| format!("{column} == true")),
            _ => {
                let (a, b) = (self.leaf(Type::String, columns), self.literal(Type::String));
                let operator = self.one(&[
                    "==",
                    "!=",
                    "=~",
                    "!~",
                    "has",
                    "!has",
                    "contains",
                    "!contains",
                    "startswith",
                    "!startswith",
                    "endswith",
                    "!endswith",
                    "has_cs",
                    "contains_cs",
                    "startswith_cs",
                    "hasprefix",
                    "hassuffix",
                    "matches regex",
                ]);
                format!("{a} {operator} {b}")
            }
        }
    }

    fn truth(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::Bool, columns, depth);
        match self.rng.u8(..7) {
            0 => format!("not({a})"),
            1 => format!("({a})"),
            2 => format!("set_has_element({}, \"a\")", self.expression(Type::DYNAMIC, columns, depth)),
            3 => format!("isnotnull({})", self.expression(Type::Long, columns, depth)),
            4 => format!("({a} or {})", self.expression(Type::Bool, columns, depth)),
            5 => format!("{} in ((print Name = \"a\"))", self.leaf(Type::String, columns)),
            _ => format!("{a} and {}", self.comparison(columns)),
        }
    }

    fn words(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::String, columns, depth);
        match self.rng.u8(..20) {
            0 => format!("tolower({a})"),
            1 => format!("strcat({a}, \"-\", {})", self.expression(Type::Long, columns, depth)),
            2 => format!("iff({}, {a}, \"\")", self.condition(columns, depth)),
            3 => {
                format!("case({}, {a}, {}, \"x\", \"other\")", self.condition(columns, depth), self.comparison(columns))
            }
            4 => format!("substring({a}, 0, 5)"),
            5 => format!("extract(@\"(\\w+)\\.exe\", 1, {a})"),
            6 => format!("replace_string({a}, \"a\", \"b\")"),
            7 => format!("tostring(split({a}, \"\\\\\")[-1])"),
            8 => format!("coalesce({a}, \"none\")"),
            9 => format!("tostring(parse_json({a}).Name.Value)"),
            10 => format!("tostring(parse_url({a}).Host)"),
            11 => format!("format_datetime({}, 'yyyy-MM-dd')", self.expression(Type::Datetime, columns, depth)),
            12 => format!("tostring({}[0])", self.expression(Type::DYNAMIC, columns, depth)),
            13 => format!("trim(@\"\\s+\", {a})"),
            14 => format!("base64_decode_tostring({a})"),
            15 => format!("strcat_array({}, \", \")", self.expression(Type::DYNAMIC, columns, depth)),
            16 => format!("toupper({a})"),
            17 => format!("tostring(geo_info_from_ip_address({a}).country)"),
            18 => format!("replace_regex({a}, @\"\\d\", \"#\")"),
            _ => format!("hash_sha256({a})"),
        }
    }

    fn whole(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::Long, columns, depth);
        match self.rng.u8(..12) {
            0 => format!("strlen({})", self.expression(Type::String, columns, depth)),
            1 => format!("array_length({})", self.expression(Type::DYNAMIC, columns, depth)),
            2 => format!("tolong({})", self.expression(Type::String, columns, depth)),
            3 => format!("toint({})", self.expression(Type::String, columns, depth)),
            4 => format!("({a} + 5)"),
            5 => format!("{a} * 2"),
            6 => format!("datetime_diff('minute', {}, now())", self.expression(Type::Datetime, columns, depth)),
            7 => format!("hourofday({})", self.expression(Type::Datetime, columns, depth)),
            8 => format!("iff({}, {a}, 0)", self.condition(columns, depth)),
            9 => format!("countof({}, \"a\")", self.expression(Type::String, columns, depth)),
            10 => format!("abs({a})"),
            _ => format!("indexof({}, \"a\")", self.expression(Type::String, columns, depth)),
        }
    }

    fn real(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::Real, columns, depth);
        match self.rng.u8(..6) {
            0 => format!("round({a}, 2)"),
            1 => format!("todouble({})", self.expression(Type::Long, columns, depth)),
            2 => format!("({a} / 2.0)"),
            3 => format!("({a} * {})", self.expression(Type::Long, columns, depth)),
            4 => format!("({} / 1h)", self.expression(Type::Timespan, columns, depth)),
            _ => format!("min_of({a}, 1.5)"),
        }
    }

    fn time(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::Datetime, columns, depth);
        match self.rng.u8(..8) {
            0 => format!("bin({a}, 1h)"),
            1 => format!("startofday({a})"),
            2 => format!("datetime_add('day', 1, {a})"),
            3 => format!("({a} + {})", self.expression(Type::Timespan, columns, depth)),
            4 => format!("({a} - 1d)"),
            5 => format!("todatetime({})", self.expression(Type::String, columns, depth)),
            6 => format!("ago({})", self.literal(Type::Timespan)),
            _ => format!("endofweek({a})"),
        }
    }

    fn span(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::Timespan, columns, depth);
        match self.rng.u8(..4) {
            0 => format!(
                "({} - {})",
                self.expression(Type::Datetime, columns, depth),
                self.expression(Type::Datetime, columns, depth)
            ),
            1 => format!("({a} * 2)"),
            2 => format!("totimespan({})", self.expression(Type::String, columns, depth)),
            _ => format!("({a} + 5m)"),
        }
    }

    fn dynamic(&mut self, columns: &Columns, depth: usize) -> String {
        let a = self.expression(Type::DYNAMIC, columns, depth);
        match self.rng.u8(..9) {
            0 => format!("parse_json({})", self.expression(Type::String, columns, depth)),
            1 => format!("split({}, \",\")", self.expression(Type::String, columns, depth)),
            2 => format!(
                "pack_array({}, {})",
                self.expression(Type::String, columns, depth),
                self.expression(Type::Long, columns, depth)
            ),
            3 => format!("bag_pack(\"a\", {}, \"b\", 1)", self.expression(Type::String, columns, depth)),
            4 => format!("todynamic({})", self.expression(Type::String, columns, depth)),
            5 => format!("extract_all(@\"(\\d+)\", {})", self.expression(Type::String, columns, depth)),
            6 => format!("{a}.Name"),
            7 => format!("array_concat({a}, dynamic([1]))"),
            _ => format!("parse_url({})", self.expression(Type::String, columns, depth)),
        }
    }
}

/// The names of columns, in a row.
fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}
