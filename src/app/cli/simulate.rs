//! `huntd simulate`: the simulated tenant as a server of its own.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::args::SimulateArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::ports::clock::{Clock, SystemClock};
use crate::sim::scenario::{Scenario, demo_scenario, parse_scenario};
use crate::sim::simulator::Simulator;

/// `huntd simulate`.
pub async fn run(arguments: &SimulateArguments, output: Output) -> Result<Exit, AppError> {
    let scenario = scenario(arguments)?;
    let clock = SystemClock::new();
    let simulator = Simulator::start(scenario, arguments.listen, Arc::new(move || clock.now()), arguments.seed)
        .await
        .map_err(|error| {
        AppError::new(
            format!("can't listen on {}: {error}", arguments.listen),
            "choose another address with `--listen`; port 0 takes a free one",
        )
    })?;
    if output.json {
        output.object(&serde_json::json!({"url": simulator.url()}))?;
    } else {
        output.line(&format!("the simulated tenant listens on {}", simulator.url()))?;
    }
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return Err(AppError::plain("can't listen for signals"));
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop().await;
    Ok(Exit::Done)
}

fn scenario(arguments: &SimulateArguments) -> Result<Scenario, AppError> {
    let Some(path) = &arguments.scenario else { return Ok(demo_scenario()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        AppError::new(
            format!("can't read the scenario {}: {error}", path.display()),
            "docs/simulator.md has an example",
        )
    })?;
    parse_scenario(&text).map_err(|error| {
        AppError::new(format!("the scenario {}: {error}", path.display()), "docs/simulator.md names every key")
    })
}
