//! The application: commands, the daemon, output and exit codes.
