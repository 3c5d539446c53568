//! Which event time each hunt's query is given, for people.

use super::World;
use crate::model::hunt::Hunt;
use crate::model::time::format_duration;
use crate::rules::kql::analyse::analyse;
use crate::rules::window::QueryNature;

/// A line on the event time that a hunt's query is given: `its own time: asked as of the run, and
/// looks back 1d`.
#[must_use]
pub fn kind(hunt: &Hunt, world: &World) -> String {
    let nature = QueryNature::of(&hunt.query, &analyse(&hunt.query, &world.schema), &world.schema);
    let explained = nature.kind.explained();
    match nature.back {
        Some(back) => format!("{explained}, and looks back {}", format_duration(back)),
        None => explained.to_owned(),
    }
}
