//! New, changed, gone, returned: a result against what is known.
