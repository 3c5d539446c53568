//! What is due now goes to the runners.
