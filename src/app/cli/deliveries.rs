//! `huntd deliveries`: the outbox.

use std::path::Path;

use crate::app::args::{DeliveriesAction, DeliveriesArguments};
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::app::shapes::DeliveryShape;
use crate::model::delivery::{Delivery, DeliveryState};
use crate::model::id::DeliveryId;
use crate::ports::store::{DeliveryFilter, Store};
use crate::rules::render::terminal::terminal_safe;

/// `huntd deliveries`.
pub async fn run(path: &Path, arguments: &DeliveriesArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    setup::history(&config, async |store| match &arguments.action {
        Some(DeliveriesAction::Retry { delivery, all }) => retry(store, delivery.as_deref(), *all, output).await,
        None => list(store, arguments.failed.then_some(DeliveryState::Failed), output).await,
    })
    .await
}

async fn list(store: &Store, state: Option<DeliveryState>, output: Output) -> Result<Exit, AppError> {
    let deliveries = store.deliveries(&DeliveryFilter { state, limit: None }).await?;
    if output.json {
        for delivery in &deliveries {
            output.object(&DeliveryShape::from(delivery))?;
        }
        return Ok(Exit::Done);
    }
    let head = ["DELIVERY", "CHANNEL", "STATE", "ATTEMPTS", "HITS", "CREATED", "SENT", "ERROR"];
    output.table(&head, deliveries.iter().map(cells).collect())?;
    Ok(Exit::Done)
}

fn cells(delivery: &Delivery) -> Vec<String> {
    vec![
        delivery.delivery.to_string(),
        delivery.channel.to_string(),
        delivery.state.to_string(),
        delivery.attempts.to_string(),
        delivery.hits.to_string(),
        delivery.created.local(),
        delivery.sent.map_or("-".to_owned(), crate::model::time::Timestamp::local),
        terminal_safe(delivery.error.as_deref().unwrap_or("-")),
    ]
}

/// Puts failed deliveries back; the daemon sends them at its next look.
async fn retry(store: &Store, id: Option<&str>, all: bool, output: Output) -> Result<Exit, AppError> {
    let failed = store.deliveries(&DeliveryFilter { state: Some(DeliveryState::Failed), limit: None }).await?;
    let chosen: Vec<&DeliveryId> =
        failed.iter().map(|delivery| &delivery.delivery).filter(|known| all || id == Some(known.as_str())).collect();
    if chosen.is_empty() && !all {
        return Err(AppError::new(
            format!("no failed delivery `{}`", terminal_safe(id.unwrap_or(""))),
            "`huntd deliveries --failed` lists them",
        ));
    }
    for delivery in &chosen {
        store.retry_delivery(delivery).await?;
    }
    output.note(&format!("{} put back: the daemon sends them", chosen.len()))?;
    Ok(Exit::Done)
}
