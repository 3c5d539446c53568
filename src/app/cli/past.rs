//! Whose past is meant: a hunt and a tenant that have a history.

use crate::app::exit::AppError;
use crate::model::id::{HuntId, TenantName};
use crate::ports::store::{Store, TrackSummary};
use crate::rules::check::nearest::did_you_mean;
use crate::rules::render::terminal::terminal_safe;

/// The tracks of a hunt: of `tenant`, or all, in the order of their names. None is an error with what there is.
pub async fn tracks(store: &Store, hunt: &str, tenant: Option<&str>) -> Result<Vec<TrackSummary>, AppError> {
    let all = store.tracks().await?;
    let of_hunt: Vec<TrackSummary> = all.iter().filter(|track| track.hunt.as_str() == hunt).cloned().collect();
    if of_hunt.is_empty() {
        let near = did_you_mean(hunt, all.iter().map(|track| track.hunt.as_str()));
        let mend =
            near.unwrap_or_else(|| "`huntd runs` lists what there is; a hunt is named by its whole id".to_owned());
        return Err(AppError::new(format!("no hunt `{}` has a history", terminal_safe(hunt)), mend));
    }
    let Some(name) = tenant else { return Ok(of_hunt) };
    let names = names(&of_hunt);
    let found: Vec<_> = of_hunt.into_iter().filter(|track| track.tenant.as_str() == name).collect();
    if found.is_empty() {
        let message = format!("{} has no history on a tenant `{}`", terminal_safe(hunt), terminal_safe(name));
        return Err(AppError::new(message, format!("it has one on {names}")));
    }
    Ok(found)
}

/// The one track that is meant; where there are several, `--tenant` must say which.
pub async fn track(store: &Store, hunt: &str, tenant: Option<&str>) -> Result<(HuntId, TenantName), AppError> {
    let mut found = tracks(store, hunt, tenant).await?;
    let names = names(&found);
    match (found.pop(), found.len()) {
        (Some(track), 0) => Ok((track.hunt, track.tenant)),
        _ => Err(AppError::new(
            format!("{} has a history on several tenants", terminal_safe(hunt)),
            format!("say which with `--tenant`: {names}"),
        )),
    }
}

fn names(tracks: &[TrackSummary]) -> String {
    tracks.iter().map(|track| track.tenant.as_str()).collect::<Vec<_>>().join(", ")
}
