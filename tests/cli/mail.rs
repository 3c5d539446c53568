//! A mail server that takes a mail and never answers: the delivery waits, says why, and is made again under the
//! same Message-ID.

use std::sync::Arc;
use std::time::Duration;

use huntd::adapters::channel::email::Email;
use huntd::app::setup;
use huntd::engine::dispatcher::{Channels, Dispatcher, fixed};
use huntd::engine::vitals::Vitals;
use huntd::model::config::{ChannelKind, Config};
use huntd::ports::channel::Channel;
use huntd::ports::clock::{Clock, ManualClock, SharedClock, SystemClock};
use huntd::rules::config::{Directories, load};

use crate::desk::{Desk, EVENTS};
use crate::smtp::{Faults, MailServer, PASSWORD, USER};

fn channels(server: &MailServer) -> String {
    format!(
        "channels:\n  soc: {{email: {{server: 'smtp://localhost:{}', user: {USER}, password: {{file: mail-password}}, ca: {{file: '{}'}}, from: huntd@contoso.example, to: [soc@contoso.example]}}}}\nroutes: [{{to: [soc]}}]\n",
        server.port,
        server.ca.display()
    )
}

/// The config as the binary would read it, and its mail channel with less patience.
fn impatient(desk: &Desk) -> (Config, Channels) {
    let path = desk.site.file("huntd.yaml");
    let (config, _) = load(&path, &std::fs::read(&path).unwrap(), &Directories::default()).unwrap();
    let (name, kind) = config.channels.iter().next().unwrap();
    let ChannelKind::Email(settings) = kind else { panic!("{kind:?}") };
    let email = Email::new(name.clone(), settings).unwrap().with_limit(Duration::from_secs(1));
    let channel: Arc<dyn Channel> = Arc::new(email);
    let channels = Channels::from([(name.clone(), channel)]);
    (config, channels)
}

#[test]
fn a_mail_server_that_hangs_delays_and_loses_nothing() {
    let hangs = MailServer::start(&Faults { hang_after_text: true, ..Faults::default() });
    let desk = Desk::new(EVENTS, &channels(&hangs));
    desk.site.write("mail-password", PASSWORD);
    // The run is made by a binary whose outbox can't go out: its mail server isn't there.
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace(&hangs.port.to_string(), "1"));
    desk.huntd(&["run", "enc"]).expect(0);
    desk.site.write("huntd.yaml", &config);
    let before = desk.huntd(&["deliveries", "--json"]).expect(0).objects().remove(0);
    assert_eq!((&before["state"], &before["attempts"]), (&"pending".into(), &1.into()));

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clock = Arc::new(ManualClock::new(SystemClock::new().now().plus(Duration::from_mins(1))));
    let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
    let drain = || {
        let (config, channels) = impatient(&desk);
        runtime.block_on(async {
            let store = setup::store(&config).await.unwrap();
            let (clock, channels, vitals) = (Arc::clone(&shared), fixed(channels), Vitals::default());
            let dispatcher = Dispatcher { store, clock, channels, vitals };
            dispatcher.drain().await.unwrap()
        })
    };
    assert_eq!(drain(), 1);
    let waiting = desk.huntd(&["deliveries", "--json"]).expect(0).objects().remove(0);
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&"pending".into(), &2.into()));
    let error = waiting["error"].as_str().unwrap();
    assert!(error.contains("did not finish within 1s"), "{error}");
    assert!(desk.huntd(&["deliveries"]).expect(0).stdout.contains("did not finish within 1s"), "a person sees it too");
    assert_eq!(drain(), 0, "not before its time");

    let well = MailServer::start(&Faults::default());
    let config = config.replace(&hangs.port.to_string(), &well.port.to_string());
    desk.site.write("huntd.yaml", config.replace(&hangs.ca.display().to_string(), &well.ca.display().to_string()));
    clock.advance(Duration::from_mins(1));
    assert_eq!(drain(), 1);
    let sent = desk.huntd(&["deliveries", "--json"]).expect(0).objects().remove(0);
    assert_eq!(
        (&sent["state"], &sent["attempts"], &sent["error"]),
        (&"sent".into(), &3.into(), &serde_json::Value::Null)
    );
    assert_eq!(sent["message_id"], waiting["message_id"]);
    let mails = well.mails();
    assert_eq!(mails.len(), 1);
    let id = sent["message_id"].as_str().unwrap().trim_matches(['<', '>']);
    assert!(mails[0].data.contains(&format!("Message-ID: <{id}>")), "{:.600}", mails[0].data);
    clock.advance(Duration::from_hours(1));
    assert_eq!(drain(), 0, "told once");
}
