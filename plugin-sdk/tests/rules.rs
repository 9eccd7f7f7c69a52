//! The host for tests and the real host share the rules of stock: whatever is asked, both say and count the same.

mod shop;

use proptest::prelude::*;
use shop::Plugin;
use siyu_model::stock::counter::{Counter, CounterError};
use siyu_model::stock::pool::{Pool, PoolError};
use siyu_plugin::fake::Host;
use siyu_plugin::pools::{Reserve, Reserved};
use siyu_plugin::{Duration, Error, ErrorCode, Instant, counters, pools};

#[derive(Debug, Clone)]
enum Op {
    Define(u64),
    Hold(u64, u64),
    Commit(usize),
    Release(usize),
    Take(u64),
    Restock(u64),
    Count(u64, u64),
    GiveBack(u64),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let units = 0u64..6;
    prop_oneof![
        (0u64..20).prop_map(Op::Define),
        (units.clone(), 0u64..12).prop_map(|(units, limit)| Op::Hold(units, limit)),
        (0usize..8).prop_map(Op::Commit),
        (0usize..8).prop_map(Op::Release),
        units.clone().prop_map(Op::Take),
        units.clone().prop_map(Op::Restock),
        (units.clone(), 0u64..12).prop_map(|(units, limit)| Op::Count(units, limit)),
        units.prop_map(Op::GiveBack),
        (0u64..90).prop_map(Op::Pass),
    ]
}

/// The same rules, spelled out over the model.
#[derive(Default)]
struct Books {
    pool: Option<Pool>,
    counter: Counter,
    /// Units, when it expires, and whether it is still held.
    claims: Vec<(u64, Instant, bool)>,
}

/// What a plugin is told: a number or a kind of error.
type Told = Result<Option<u64>, ErrorCode>;

fn of_pool(error: PoolError) -> ErrorCode {
    if matches!(error, PoolError::Units { .. }) { ErrorCode::Invalid } else { ErrorCode::Conflict }
}

impl Books {
    fn pool(&self) -> Result<Pool, ErrorCode> {
        self.pool.ok_or(ErrorCode::NotFound)
    }

    fn settle(
        &mut self,
        index: usize,
        end: fn(Pool, u64) -> Result<Pool, PoolError>,
        gives_back: bool,
    ) -> Told {
        let Some((units, _, is_held)) = self.claims.get_mut(index) else {
            return Ok(None);
        };
        if !std::mem::take(is_held) {
            return Ok(Some(0));
        }
        let units = *units;
        self.pool = Some(end(self.pool()?, units).map_err(of_pool)?);
        if gives_back {
            let units = units.min(self.counter.used());
            self.counter = self.counter.give_back(units).map_err(|_| ErrorCode::Conflict)?;
        }
        Ok(Some(1))
    }

    fn tell(&mut self, op: &Op, now: Instant) -> Told {
        match *op {
            Op::Define(total) => {
                let pool = match self.pool {
                    Some(pool) => pool.resize(total),
                    None => Pool::new(total),
                };
                self.pool = Some(pool.map_err(of_pool)?);
                Ok(None)
            }
            Op::Hold(units, limit) => {
                let held = match self.pool()?.reserve(units) {
                    Ok(held) => held,
                    Err(PoolError::SoldOut { available, .. }) => return Ok(Some(1_000 + available)),
                    Err(error) => return Err(of_pool(error)),
                };
                match self.counter.take(units, limit) {
                    Ok(counter) => self.counter = counter,
                    Err(CounterError::Full { used, .. }) => return Ok(Some(2_000 + used)),
                    Err(_) => return Err(ErrorCode::Invalid),
                }
                self.pool = Some(held);
                self.claims.push((units, now + Duration::seconds(60), true));
                Ok(None)
            }
            Op::Commit(index) => self.settle(index, Pool::commit, false),
            Op::Release(index) => self.settle(index, Pool::release, true),
            Op::Take(units) => match self.pool()?.take(units) {
                Ok(pool) => {
                    self.pool = Some(pool);
                    Ok(Some(1))
                }
                Err(PoolError::SoldOut { .. }) => Ok(Some(0)),
                Err(error) => Err(of_pool(error)),
            },
            Op::Restock(units) => {
                self.pool = Some(self.pool()?.restock(units).map_err(of_pool)?);
                Ok(None)
            }
            Op::Count(units, limit) => match self.counter.take(units, limit) {
                Ok(counter) => {
                    self.counter = counter;
                    Ok(Some(100 + counter.used()))
                }
                Err(_) => Ok(Some(self.counter.used())),
            },
            Op::GiveBack(units) => {
                self.counter = self.counter.give_back(units).map_err(|_| ErrorCode::Conflict)?;
                Ok(None)
            }
            Op::Pass(seconds) => {
                let now = now + Duration::seconds(seconds);
                for index in 0..self.claims.len() {
                    if self.claims[index].1 <= now {
                        self.settle(index, Pool::release, true)?;
                    }
                }
                Ok(None)
            }
        }
    }
}

fn ask(op: &Op, held: &mut Vec<String>) -> Result<Option<u64>, Error> {
    let told = |yes: bool| Some(u64::from(yes));
    match *op {
        Op::Define(total) => pools::define("p", total).map(|()| None),
        Op::Hold(units, limit) => {
            let expires_at = Instant::now() + Duration::seconds(60);
            Ok(match Reserve::new("p", units, expires_at).quota("c", units, limit).hold()? {
                Reserved::Held(id) => {
                    held.push(id);
                    None
                }
                Reserved::SoldOut { available } => Some(1_000 + available),
                Reserved::OverQuota { used, .. } => Some(2_000 + used),
            })
        }
        Op::Commit(index) => held.get(index).map_or(Ok(None), |id| pools::commit(id).map(told)),
        Op::Release(index) => held.get(index).map_or(Ok(None), |id| pools::release(id).map(told)),
        Op::Take(units) => pools::take("p", units).map(told),
        Op::Restock(units) => pools::restock("p", units).map(|()| None),
        Op::Count(units, limit) => {
            counters::take("c", units, limit).map(|taken| Some(if taken.ok { 100 } else { 0 } + taken.used))
        }
        Op::GiveBack(units) => counters::give_back("c", units).map(|()| None),
        Op::Pass(_) => Ok(None),
    }
}

proptest! {
    #[test]
    fn stock_follows_the_models_rules(ops in prop::collection::vec(op(), 0..80)) {
        let mut host = Host::of::<Plugin>();
        let mut books = Books::default();
        let mut held = Vec::new();
        for op in ops {
            let now = host.now();
            let found = host.during(|| ask(&op, &mut held)).map_err(|error| error.code);
            if let Op::Pass(seconds) = op {
                host.advance(Duration::seconds(seconds));
            }
            prop_assert_eq!(found, books.tell(&op, now), "{:?}", op);
            let pool = host.pool("p").map(|pool| (pool.total, pool.available, pool.reserved, pool.sold));
            let expected = books.pool.map(|pool| (pool.total(), pool.available(), pool.reserved(), pool.sold()));
            prop_assert_eq!(pool, expected, "{:?}", op);
            prop_assert_eq!(host.counter("c"), books.counter.used(), "{:?}", op);
        }
    }
}
