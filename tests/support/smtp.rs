//! A mail server in the test's own process: real sockets, STARTTLS, sign-in, and faults on demand.

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huntd::ports::clock::{Clock, SystemClock};
use mailin_embedded::response::{AUTH_OK, AUTHENTICATION_REQUIRED, OK};
use mailin_embedded::{AuthMechanism, Handler, Response, Server, SslConfig};

/// The user that the server knows.
pub(crate) const USER: &str = "huntd-mailer";
/// Its password.
pub(crate) const PASSWORD: &str = "correct horse=battery+staple";

/// What the server does otherwise than a good one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// Offers no STARTTLS.
    pub(crate) no_tls: bool,
    /// Its certificate ends after so long, to the day.
    pub(crate) certificate_lasts: Option<Duration>,
    /// Never answers after the mail's text, until the server is dropped.
    pub(crate) hang_after_text: bool,
    /// Answers so after the mail's text.
    pub(crate) text: Option<(u16, &'static str)>,
    /// Answers so to the recipients whose address holds the word.
    pub(crate) recipient: Option<(&'static str, u16)>,
    /// Takes no mail larger than this.
    pub(crate) largest: Option<usize>,
    /// Refuses every sign-in, and says back what it got.
    pub(crate) refuse_sign_in: bool,
    /// After about one mail in six it refuses for now, closes without a word, or takes its time and then
    /// closes; the last two leave it open whether the mail was taken. By chance, from this seed.
    pub(crate) moods: Option<u64>,
}

/// A mail as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    /// The envelope's sender.
    pub(crate) from: String,
    /// The envelope's recipients.
    pub(crate) to: Vec<String>,
    /// The text, dots unstuffed.
    pub(crate) data: String,
}

/// A running server. Its threads end with the process.
pub(crate) struct MailServer {
    /// Its port on 127.0.0.1; the certificate names `localhost`.
    pub(crate) port: u16,
    /// The certificate to trust, PEM.
    pub(crate) ca: PathBuf,
    mails: Arc<Mutex<Vec<Mail>>>,
    connections: Arc<Mutex<usize>>,
    moods: Moods,
    _files: tempfile::TempDir,
    _hold: Sender<()>,
}

impl MailServer {
    /// Starts a server.
    pub(crate) fn start(faults: &Faults) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (ca, key) = (files.path().join("ca.pem"), files.path().join("key.pem"));
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        if let Some(lasts) = faults.certificate_lasts {
            let end = SystemClock::new().now().plus(lasts).to_string();
            let part = |from: usize, to: usize| end[from..to].parse::<u16>().unwrap();
            let small = |number: u16| u8::try_from(number).unwrap();
            params.not_after = rcgen::date_time_ymd(part(0, 4).into(), small(part(5, 7)), small(part(8, 10)));
        }
        let signing = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&ca, params.self_signed(&signing).unwrap().pem()).unwrap();
        std::fs::write(&key, signing.serialize_pem()).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mails, connections) = (Arc::default(), Arc::default());
        let (hold, release) = channel();
        let moods: Moods = Arc::new(Mutex::new(faults.moods.map(fastrand::Rng::with_seed)));
        let handler = Conversation {
            faults: faults.clone(),
            moods: Arc::clone(&moods),
            mails: Arc::clone(&mails),
            connections: Arc::clone(&connections),
            release: Arc::new(Mutex::new(release)),
            signed_in: false,
            greeted: false,
            mail: Mail::default(),
            data: Vec::new(),
        };
        let mut server = Server::new(handler);
        server.with_name("localhost").with_tcp_listener(listener);
        if !faults.no_tls {
            let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
            server.with_ssl(SslConfig::SelfSigned { cert_path: text(&ca), key_path: text(&key) }).unwrap();
            server.with_auth(AuthMechanism::Plain).with_auth(AuthMechanism::Login);
        }
        std::thread::spawn(move || server.serve().map_err(|error| error.to_string()));
        Self { port, ca, mails, connections, moods, _files: files, _hold: hold }
    }

    /// The mails that it took.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// From now on it is as good as any.
    pub(crate) fn calm_down(&self) {
        *self.moods.lock().unwrap() = None;
    }

    /// How many conversations it has begun.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Where the moods come from; none when they are over.
type Moods = Arc<Mutex<Option<fastrand::Rng>>>;

#[derive(Clone)]
struct Conversation {
    faults: Faults,
    moods: Moods,
    mails: Arc<Mutex<Vec<Mail>>>,
    connections: Arc<Mutex<usize>>,
    release: Arc<Mutex<Receiver<()>>>,
    signed_in: bool,
    greeted: bool,
    mail: Mail,
    data: Vec<u8>,
}

impl Conversation {
    fn sign_in(&mut self, user: &str, password: &str) -> Response {
        if self.faults.refuse_sign_in || (user, password) != (USER, PASSWORD) {
            let hidden = password.chars().rev().collect::<String>();
            return Response::custom(535, format!("no such user with {hidden} here"));
        }
        self.signed_in = true;
        AUTH_OK
    }
}

impl Handler for Conversation {
    fn helo(&mut self, _ip: IpAddr, _domain: &str) -> Response {
        if !self.greeted {
            *self.connections.lock().unwrap() += 1;
        }
        self.greeted = true;
        OK
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        self.sign_in(user, password)
    }

    fn auth_login(&mut self, user: &str, password: &str) -> Response {
        self.sign_in(user, password)
    }

    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        if !self.signed_in && !self.faults.no_tls {
            return AUTHENTICATION_REQUIRED;
        }
        self.mail = Mail { from: from.to_owned(), ..Mail::default() };
        self.data.clear();
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Some((word, code)) = self.faults.recipient
            && to.contains(word)
        {
            return Response::custom(code, format!("not {to}, said {PASSWORD}\u{1b}[31m"));
        }
        self.mail.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.data.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        if self.faults.hang_after_text {
            // Ends with an error when the test drops the server.
            self.release.lock().unwrap().recv().unwrap_or_default();
        }
        if let Some((code, text)) = self.faults.text {
            return Response::custom(code, text.to_owned());
        }
        if self.faults.largest.is_some_and(|most| self.data.len() > most) {
            return Response::custom(552, "5.3.4 message too large".to_owned());
        }
        self.mail.data = String::from_utf8(std::mem::take(&mut self.data)).expect("a mail is ASCII");
        let mood = self.moods.lock().unwrap().as_mut().map_or(u8::MAX, |random| random.u8(0..100));
        match mood {
            0..6 => return Response::custom(451, "4.3.0 not now".to_owned()),
            6..11 => {}
            11..17 => dawdle(),
            _ => {
                self.mails.lock().unwrap().push(std::mem::take(&mut self.mail));
                return OK;
            }
        }
        // It may have been taken or not: the client must send it again either way.
        if mood.is_multiple_of(2) {
            self.mails.lock().unwrap().push(std::mem::take(&mut self.mail));
        }
        Response::custom(421, "4.3.2 the machine goes down".to_owned())
    }
}

#[expect(clippy::disallowed_methods, reason = "a server that is slow, is so in real time")]
fn dawdle() {
    std::thread::sleep(Duration::from_secs(2));
}
