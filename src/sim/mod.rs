//! The simulated tenant: an HTTP server that shares no code with the client.
