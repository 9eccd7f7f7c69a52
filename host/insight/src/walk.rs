//! Walks over lists of the inspect port to their end, page after page. Never holds more than a page.

use std::collections::VecDeque;
use std::pin::Pin;

use siyu_engine::ports::inspect::{First, InspectError, Page, Turn};
use siyu_engine::ports::rows::FactRow;
use siyu_model::clock::UtcMs;
use siyu_model::id::CustomerId;

use crate::InsightError;

type Fetched<'a, T> = Pin<Box<dyn Future<Output = Result<Page<T>, InspectError>> + Send + 'a>>;

/// Reads a list row after row.
pub(crate) struct Walk<'a, T> {
    fetch: Box<dyn FnMut(Turn) -> Fetched<'a, T> + Send + 'a>,
    page: VecDeque<T>,
    /// The page to ask for next; none when the last one was read.
    turn: Option<Turn>,
}

impl<'a, T> Walk<'a, T> {
    /// Begins at `first`.
    pub(crate) fn new(first: Turn, fetch: impl FnMut(Turn) -> Fetched<'a, T> + Send + 'a) -> Self {
        Self { fetch: Box::new(fetch), page: VecDeque::new(), turn: Some(first) }
    }

    /// The next row, without taking it.
    pub(crate) async fn peek(&mut self) -> Result<Option<&T>, InsightError> {
        while self.page.is_empty() {
            let Some(turn) = self.turn.take() else { return Ok(None) };
            let limit = turn.limit;
            let page = (self.fetch)(turn).await?;
            self.page = page.items.into();
            self.turn = page.next.map(|next| Turn { after: Some(next), limit });
        }
        Ok(self.page.front())
    }

    /// The next row.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, InsightError> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }
}

/// A row that belongs to a customer, of a list in the order of customers.
pub(crate) trait OfCustomer {
    /// Whose.
    fn customer(&self) -> CustomerId;
}

impl OfCustomer for FactRow {
    fn customer(&self) -> CustomerId {
        self.customer
    }
}

impl OfCustomer for First {
    fn customer(&self) -> CustomerId {
        self.customer
    }
}

impl OfCustomer for (CustomerId, UtcMs) {
    fn customer(&self) -> CustomerId {
        self.0
    }
}

impl<T: OfCustomer> Walk<'_, T> {
    /// The customer of the next row.
    pub(crate) async fn customer(&mut self) -> Result<Option<CustomerId>, InsightError> {
        Ok(self.peek().await?.map(OfCustomer::customer))
    }

    /// Takes the rows of one customer, who is not before the next row's.
    pub(crate) async fn rows_of(
        &mut self,
        customer: CustomerId,
        mut take: impl FnMut(T),
    ) -> Result<(), InsightError> {
        while self.customer().await? == Some(customer) {
            if let Some(row) = self.page.pop_front() {
                take(row);
            }
        }
        Ok(())
    }
}
