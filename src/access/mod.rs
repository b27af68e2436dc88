//! Access: which paths need an identity, and whose.
