//! Inputs that were kept, many in one file: the length of each in four bytes, then the input.

/// Puts inputs into one file.
pub fn pack<'a>(inputs: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut packed = Vec::new();
    for input in inputs {
        let length = u32::try_from(input.len()).unwrap_or(u32::MAX);
        packed.extend(length.to_be_bytes());
        packed.extend(input.iter().take(length as usize));
    }
    packed
}

/// The inputs of a file; what is cut off at its end is left out.
pub fn unpack(mut packed: &[u8]) -> Vec<&[u8]> {
    let mut inputs = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((input, rest)) = rest.split_at_checked(length) else { break };
        inputs.push(input);
        packed = rest;
    }
    inputs
}
