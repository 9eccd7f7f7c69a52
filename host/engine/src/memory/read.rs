//! The one way to read a row by key.

/// A row of a cache by key: from memory, else from the store.
macro_rules! read {
    ($memory:ident . $cache:ident, $key:expr, $want:ident) => {{
        if !$memory.$cache.knows($key) {
            $memory.fetch(Wants { $want: vec![$key.clone()], ..Wants::default() })?;
        }
        let batch = $memory.batch;
        $memory.$cache.touch($key, batch)
    }};
}

pub(super) use read;
