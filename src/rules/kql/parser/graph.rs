//! Operators on graphs.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::Code;
use super::super::tree::{GraphName, Name, Operator, Setting};
use super::Parser;

impl<'a> Parser<'a> {
    /// `make-graph Source --> Target with Nodes on Id, Nodes2 on Id2`.
    pub(super) fn make_graph(&mut self) -> Operator<'a> {
        let hint = "it is `make-graph Source --> Target with Nodes on Id`";
        let settings = self.settings(&["partitioned-by"]);
        let source = self.column_name(hint);
        self.arrow(hint);
        let target = self.column_name(hint);
        let mut nodes = Vec::new();
        let mut rest: Vec<Setting<'a>> = Vec::new();
        if self.eat_word("with") {
            if self.is_name() && self.is_after(1, Mark::Assign) {
                rest = self.settings(&["with_node_id"]);
            } else {
                loop {
                    let table = if self.ends() { self.missing("a table of nodes") } else { self.unary() };
                    let key = self.eat_word("on").then(|| self.column_name(hint));
                    nodes.push((table, key));
                    if !self.eat(Mark::Comma) {
                        break;
                    }
                }
            }
        }
        if let Some(setting) = self.settings(&["with_node_id"]).pop() {
            rest.push(setting);
        }
        if self.is_word("partitioned") {
            self.skip_stage();
        }
        Operator::MakeGraph { settings, source, target, nodes, rest }
    }

    fn column_name(&mut self, hint: &str) -> super::super::tree::Expr<'a> {
        if let Some(name) = self.maybe_name() {
            Self::name_expr(name)
        } else {
            let span = self.behind();
            let found = self.found();
            self.error(Code::Syntax, span, format!("a column is missing before {found}"), hint);
            Self::name_expr(Name { text: "", span })
        }
    }

    /// `-->`.
    fn arrow(&mut self, hint: &str) {
        let arrow = self.is(Mark::Minus) && self.is_after(1, Mark::Minus) && self.is_after(2, Mark::Greater);
        if arrow {
            self.take();
            self.take();
            self.take();
        } else {
            let span = self.span();
            self.error(Code::Syntax, span, "`-->` is missing", hint);
        }
    }

    pub(super) fn graph_match(&mut self) -> Operator<'a> {
        let settings = self.settings(&["cycles"]);
        let names = self.patterns_of_graph();
        let predicate = self.eat_word("where").then(|| self.value_or_missing("a condition"));
        let project = self.eat_word("project").then(|| self.items("a column"));
        Operator::GraphMatch { settings, names, predicate, project }
    }

    pub(super) fn graph_shortest_paths(&mut self) -> Operator<'a> {
        let settings = self.settings(&["output", "cycles"]);
        let names = self.patterns_of_graph();
        let predicate = self.eat_word("where").then(|| self.value_or_missing("a condition"));
        let project = self.eat_word("project").then(|| self.items("a column"));
        Operator::GraphShortestPaths { settings, names, predicate, project }
    }

    /// `(a)-[e]->(b), (b)<--(c)-[p*1..3]-(d)`.
    fn patterns_of_graph(&mut self) -> Vec<GraphName<'a>> {
        let mut names = Vec::new();
        if !self.is(Mark::Open) {
            let span = self.behind();
            let found = self.found();
            self.error(
                Code::Syntax,
                span,
                format!("a pattern is missing before {found}"),
                "it is `graph-match (a)-[e]->(b) where … project …`",
            );
        }
        loop {
            let before = self.at;
            if self.is(Mark::Open) {
                let open = self.take();
                if let Some(name) = self.maybe_name() {
                    names.push(GraphName { name, edge: false, variable: false });
                }
                self.close(Mark::Close, open);
            } else if self.is(Mark::OpenBracket) {
                let open = self.take();
                if self.is_name() {
                    let span = self.take();
                    let name = Name { text: self.slice(span), span };
                    let variable = self.is(Mark::Star);
                    names.push(GraphName { name, edge: true, variable });
                }
                // `*1..3`.
                while matches!(self.kind(), Some(TokenKind::Mark(Mark::Star | Mark::DotDot) | TokenKind::Literal(_))) {
                    self.take();
                }
                self.close(Mark::CloseBracket, open);
            } else if self.is(Mark::Minus) || self.is(Mark::Less) || self.is(Mark::Greater) || self.is(Mark::Comma) {
                self.take();
            } else {
                return names;
            }
            if self.at == before {
                return names;
            }
        }
    }

    /// `graph-to-table nodes as N with_node_id=Id, edges as E with_source_id=…`.
    pub(super) fn graph_to_table(&mut self) -> Operator<'a> {
        let mut parts = Vec::new();
        loop {
            let what = self.name("`nodes` or `edges`");
            let name = self.eat_word("as").then(|| self.name("a name"));
            self.settings(&["with_node_id", "with_source_id", "with_target_id"]);
            parts.push((what, name));
            if !self.eat(Mark::Comma) {
                return Operator::GraphToTable(parts);
            }
        }
    }
}
