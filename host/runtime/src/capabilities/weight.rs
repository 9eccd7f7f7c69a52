//! Weights: how many bytes cross between a plugin and the host, for charging fuel. Never counts what stays on a side.

use std::sync::Arc;

/// What crosses and what it weighs.
pub(crate) trait Weight {
    /// Bytes of text and lists; numbers are in the price of the call.
    fn weight(&self) -> usize;

    /// Bytes of a list.
    fn weight_of_all(items: &[Self]) -> usize
    where
        Self: Sized,
    {
        items.iter().map(|item| ITEM_BYTES + item.weight()).sum()
    }
}

/// Bytes that an item of a list costs beside its text.
const ITEM_BYTES: usize = 8;

macro_rules! weightless {
    ($($number:ty),*) => { $(impl Weight for $number {
        fn weight(&self) -> usize {
            0
        }
    })* };
}

weightless!((), bool, u32, i32, u64, f64);

impl Weight for u8 {
    fn weight(&self) -> usize {
        0
    }

    fn weight_of_all(items: &[Self]) -> usize {
        items.len()
    }
}

macro_rules! text {
    ($($text:ty),*) => { $(impl Weight for $text {
        fn weight(&self) -> usize {
            self.len()
        }
    })* };
}

text!(String, Arc<str>);

impl<T: Weight> Weight for Vec<T> {
    fn weight(&self) -> usize {
        T::weight_of_all(self)
    }
}

impl<T: Weight> Weight for Option<T> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, Weight::weight)
    }
}

impl<T: Weight, E: Weight> Weight for Result<T, E> {
    fn weight(&self) -> usize {
        match self {
            Ok(value) => value.weight(),
            Err(fault) => fault.weight(),
        }
    }
}

macro_rules! tuple {
    ($($member:ident),*) => {
        impl<$($member: Weight),*> Weight for ($($member,)*) {
            #[expect(non_snake_case, reason = "a member is named like its type")]
            fn weight(&self) -> usize {
                let ($($member,)*) = self;
                0 $(+ $member.weight())*
            }
        }
    };
}

tuple!(A);
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_weighs_its_bytes_wherever_it_is() {
        let arguments = (Some("ab".to_owned()), "牛".to_owned(), 7.0f64, vec!["x".to_owned(), String::new()]);
        assert_eq!(arguments.weight(), 2 + 3 + (1 + 2 * ITEM_BYTES));
        let answer: Result<Option<Arc<str>>, String> = Ok(Some("abc".into()));
        assert_eq!(answer.weight(), 3);
        assert_eq!(vec![0u8; 100].weight(), 100);
    }
}
