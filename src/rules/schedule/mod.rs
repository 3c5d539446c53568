//! What is due in (last look, now], in the hunt's real zone; splay.
