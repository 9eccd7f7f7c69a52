//! The port of a component: the imports of the contract, one function each, in the types of this SDK.
//!
//! Plain functions on purpose, no trait: what a plugin does not call is not linked, so a component's import list is what
//! it uses. The other implementation, of tests, is `fake::port`. Nothing here has rules.

use crate::bindings::network::siyu::plugin as web;
use crate::bindings::signing::siyu::plugin as signing;
use crate::bindings::siyu::plugin as wit;
use crate::codes::Found;
use crate::context::Call;
use crate::customers::TagMark;
use crate::error::{Error, ErrorCode};
use crate::ledger::{Account, Posted, Posting};
use crate::log::Level;
use crate::messages::Enqueued;
use crate::pools::{Pool, Reservation, ReservationStatus, Reserve, Reserved};
use crate::time::{Duration, Instant, LocalTime};

type Asked<T> = Result<T, Error>;

impl From<wit::types::Error> for Error {
    fn from(error: wit::types::Error) -> Self {
        use wit::types::ErrorCode as Code;
        let code = match error.code {
            Code::Invalid => ErrorCode::Invalid,
            Code::Limit => ErrorCode::Limit,
            Code::NotFound => ErrorCode::NotFound,
            Code::Conflict => ErrorCode::Conflict,
        };
        Self::new(code, error.message)
    }
}

/// Instants and whole numbers are below 2^53, where an f64 is exact.
fn millis(at: Instant) -> f64 {
    at.as_millis() as f64
}

fn instant(millis: f64) -> Instant {
    Instant::from_millis(millis as i64)
}

fn number(whole: f64) -> u64 {
    whole as u64
}

pub(crate) fn log(level: Level, message: &str) {
    use wit::log::Level as To;
    let level = match level {
        Level::Debug => To::Debug,
        Level::Info => To::Info,
        Level::Warn => To::Warn,
        Level::Error => To::Error,
    };
    wit::log::write(level, message);
}

pub(crate) fn current() -> Call {
    let call = wit::context::current();
    Call {
        id: call.id,
        tenant: call.tenant,
        plugin: call.plugin,
        step: call.step,
        run: call.run,
        customer: call.customer,
        event_json: call.event,
        attempt: call.attempt,
        now: instant(call.now),
        zone: call.zone,
    }
}

pub(crate) fn local(at: Instant, zone: &str) -> Option<LocalTime> {
    wit::context::local(millis(at), zone).map(|local| LocalTime {
        year: local.year,
        month: local.month,
        day: local.day,
        hour: local.hour,
        minute: local.minute,
        second: local.second,
        weekday: local.weekday,
    })
}

pub(crate) fn start_of_day(at: Instant, zone: &str, days: i32) -> Option<Instant> {
    wit::context::start_of_day(millis(at), zone, days).map(instant)
}

pub(crate) fn random(count: u32) -> Vec<u8> {
    wit::random::bytes(count)
}

pub(crate) fn record(customer: Option<&str>, key: &str) -> Asked<Option<String>> {
    Ok(wit::records::get(customer, key)?)
}

pub(crate) fn put_record(customer: Option<&str>, key: &str, body: &str) -> Asked<()> {
    Ok(wit::records::put(customer, key, body)?)
}

pub(crate) fn insert_record(customer: Option<&str>, key: &str, body: &str) -> Asked<bool> {
    Ok(wit::records::insert(customer, key, body)?)
}

pub(crate) fn delete_record(customer: Option<&str>, key: &str) -> Asked<bool> {
    Ok(wit::records::delete(customer, key)?)
}

pub(crate) fn scan_records(
    customer: Option<&str>,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Asked<Vec<(String, String)>> {
    let page = wit::records::scan(customer, prefix, after, limit)?;
    Ok(page.into_iter().map(|entry| (entry.key, entry.body)).collect())
}

pub(crate) fn define_pool(pool: &str, total: u64) -> Asked<()> {
    Ok(wit::pools::define(pool, total as f64)?)
}

pub(crate) fn pool(pool: &str) -> Asked<Option<Pool>> {
    Ok(wit::pools::get(pool)?.map(|pool| Pool {
        total: number(pool.total),
        available: number(pool.available),
        reserved: number(pool.reserved),
        sold: number(pool.sold),
    }))
}

pub(crate) fn reserve(wanted: Reserve) -> Asked<Reserved> {
    let quotas = wanted.quotas.into_iter().map(|quota| wit::pools::Quota {
        key: quota.key,
        units: quota.units as f64,
        limit: quota.limit as f64,
    });
    let request = wit::pools::ReserveRequest {
        pool: wanted.pool,
        units: wanted.units as f64,
        expires_at: millis(wanted.expires_at),
        quotas: quotas.collect(),
        reference: wanted.reference,
    };
    Ok(match wit::pools::reserve(&request)? {
        wit::pools::Reserved::Held(id) => Reserved::Held(id),
        wit::pools::Reserved::SoldOut(available) => Reserved::SoldOut { available: number(available) },
        wit::pools::Reserved::OverQuota((key, used)) => Reserved::OverQuota { key, used: number(used) },
    })
}

pub(crate) fn commit_reservation(reservation: &str) -> Asked<bool> {
    Ok(wit::pools::commit(reservation)?)
}

pub(crate) fn release_reservation(reservation: &str) -> Asked<bool> {
    Ok(wit::pools::release(reservation)?)
}

pub(crate) fn reservation(reservation: &str) -> Asked<Option<Reservation>> {
    use wit::pools::ReservationStatus as Status;
    Ok(wit::pools::find(reservation)?.map(|found| Reservation {
        id: found.id,
        pool: found.pool,
        customer: found.customer,
        units: number(found.units),
        status: match found.status {
            Status::Held => ReservationStatus::Held,
            Status::Committed => ReservationStatus::Committed,
            Status::Released => ReservationStatus::Released,
            Status::Expired => ReservationStatus::Expired,
        },
        expires_at: instant(found.expires_at),
        reference: found.reference,
    }))
}

pub(crate) fn take_from_pool(pool: &str, units: u64) -> Asked<bool> {
    Ok(wit::pools::take(pool, units as f64)?)
}

pub(crate) fn restock_pool(pool: &str, units: u64) -> Asked<()> {
    Ok(wit::pools::restock(pool, units as f64)?)
}

pub(crate) fn take_counter(key: &str, units: u64, limit: u64) -> Asked<crate::counters::Taken> {
    let taken = wit::counters::take(key, units as f64, limit as f64)?;
    Ok(crate::counters::Taken { ok: taken.ok, used: number(taken.used) })
}

pub(crate) fn give_back_counter(key: &str, units: u64) -> Asked<()> {
    Ok(wit::counters::give_back(key, units as f64)?)
}

pub(crate) fn counter(key: &str) -> Asked<u64> {
    Ok(number(wit::counters::used(key)?))
}

fn account(account: Account) -> wit::ledger::Account {
    wit::ledger::Account { customer: account.customer, name: account.name }
}

pub(crate) fn post(posting: Posting) -> Asked<Posted> {
    let transfers = posting.transfers.into_iter().map(|transfer| wit::ledger::Transfer {
        from: account(transfer.from),
        to: account(transfer.to),
        units: transfer.units as f64,
    });
    let transfers: Vec<_> = transfers.collect();
    Ok(match wit::ledger::post(&transfers, posting.reference.as_deref())? {
        wit::ledger::Posted::Done(id) => Posted::Done(id),
        wit::ledger::Posted::Short((account, holds)) => Posted::Short {
            account: Account { customer: account.customer, name: account.name },
            holds: number(holds),
        },
    })
}

pub(crate) fn balance(of: &Account) -> Asked<i64> {
    Ok(wit::ledger::balance(&account(of.clone()))? as i64)
}

pub(crate) fn mint_code(space: &str, random_len: u8, reference: &str) -> Asked<String> {
    Ok(wit::codes::mint(space, random_len, reference)?)
}

pub(crate) fn adopt_code(space: &str, code: &str, reference: &str) -> Asked<bool> {
    Ok(wit::codes::adopt(space, code, reference)?)
}

pub(crate) fn find_code(space: &str, typed: &str) -> Asked<Found> {
    Ok(match wit::codes::find(space, typed)? {
        wit::codes::Found::Known((code, reference)) => Found::Known { code, reference },
        wit::codes::Found::Malformed(hint) => Found::Malformed(hint),
        wit::codes::Found::Unknown => Found::Unknown,
    })
}

pub(crate) fn customer(customer: Option<&str>) -> Asked<Option<String>> {
    Ok(wit::customers::get(customer)?)
}

pub(crate) fn set_attributes(customer: Option<&str>, changes: &str) -> Asked<()> {
    Ok(wit::customers::set_attributes(customer, changes)?)
}

pub(crate) fn tags(customer: Option<&str>) -> Asked<Vec<TagMark>> {
    let marks = wit::customers::tags(customer)?;
    Ok(marks
        .into_iter()
        .map(|mark| TagMark {
            tag: mark.tag,
            source: mark.source,
            effective_at: instant(mark.effective_at),
            expires_at: mark.expires_at.map(instant),
            confidence_percent: mark.confidence,
            evidence: mark.evidence,
        })
        .collect())
}

pub(crate) fn put_tag(customer: Option<&str>, mark: &TagMark) -> Asked<bool> {
    let mark = wit::customers::TagMark {
        tag: mark.tag.clone(),
        source: mark.source.clone(),
        effective_at: millis(mark.effective_at),
        expires_at: mark.expires_at.map(millis),
        confidence: mark.confidence_percent,
        evidence: mark.evidence.clone(),
    };
    Ok(wit::customers::put_tag(customer, &mark)?)
}

pub(crate) fn remove_tag(customer: Option<&str>, tag: &str, reason: &str) -> Asked<bool> {
    Ok(wit::customers::remove_tag(customer, tag, reason)?)
}

pub(crate) fn emit(event_type: &str, customer: Option<&str>, data: &str) -> Asked<()> {
    Ok(wit::events::emit(event_type, customer, data)?)
}

pub(crate) fn emit_at(
    key: &str,
    at: Instant,
    event_type: &str,
    customer: Option<&str>,
    data: &str,
) -> Asked<()> {
    Ok(wit::events::emit_at(key, millis(at), event_type, customer, data)?)
}

pub(crate) fn cancel_planned(key: &str) -> Asked<bool> {
    Ok(wit::events::cancel(key)?)
}

pub(crate) fn count_events(event_type: &str, customer: Option<&str>, since: Instant) -> Asked<u64> {
    Ok(number(wit::events::count(event_type, customer, millis(since))?))
}

pub(crate) fn enqueue_message(
    template: &str,
    channel: &str,
    customer: Option<&str>,
    variables: &str,
) -> Asked<Enqueued> {
    Ok(match wit::messages::enqueue(template, channel, customer, variables)? {
        Ok(id) => Enqueued::Planned(id),
        Err(reason) => Enqueued::Blocked(reason),
    })
}

pub(crate) fn resource(kind: &str, name: &str) -> Asked<Option<String>> {
    Ok(wit::resources::get(kind, name)?)
}

pub(crate) fn resource_names(kind: &str) -> Asked<Vec<String>> {
    Ok(wit::resources::names(kind)?)
}

pub(crate) fn send(request: &crate::http::Request) -> Result<crate::http::Response, crate::http::Error> {
    use crate::http::ErrorCode as To;
    use web::http::ErrorCode as From;
    let header =
        |(name, value): &(String, String)| web::web::Header { name: name.clone(), value: value.clone() };
    let request = web::web::Request {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.iter().map(header).collect(),
        body: request.body.clone(),
    };
    match web::http::send(&request) {
        Ok(response) => Ok(crate::http::Response {
            status: response.status,
            headers: response.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: response.body,
        }),
        Err(error) => Err(crate::http::Error {
            code: match error.code {
                From::Invalid => To::Invalid,
                From::Denied => To::Denied,
                From::Unreachable => To::Unreachable,
                From::Timeout => To::Timeout,
                From::TooLarge => To::TooLarge,
                From::Limit => To::Limit,
                From::OpenCircuit => To::OpenCircuit,
            },
            message: error.message,
            may_have_arrived: error.may_have_arrived,
            retry_after: error.retry_after_ms.map(|ms| Duration::from_millis(ms.into())),
        }),
    }
}

fn algorithm(algorithm: crate::secrets::MacAlgorithm) -> signing::secrets::MacAlgorithm {
    use crate::secrets::MacAlgorithm as From;
    use signing::secrets::MacAlgorithm as To;
    match algorithm {
        From::HmacSha1 => To::HmacSha1,
        From::HmacSha256 => To::HmacSha256,
        From::HmacSha512 => To::HmacSha512,
    }
}

pub(crate) fn mac(secret: &str, how: crate::secrets::MacAlgorithm, data: &[u8]) -> Asked<Vec<u8>> {
    Ok(signing::secrets::mac(secret, algorithm(how), data)?)
}

pub(crate) fn macs(secret: &str, how: crate::secrets::MacAlgorithm, data: &[u8]) -> Asked<Vec<Vec<u8>>> {
    Ok(signing::secrets::macs(secret, algorithm(how), data)?)
}

pub(crate) fn is_mac(
    secret: &str,
    how: crate::secrets::MacAlgorithm,
    data: &[u8],
    mac: &[u8],
) -> Asked<bool> {
    Ok(signing::secrets::is_mac(secret, algorithm(how), data, mac)?)
}

pub(crate) fn is_sorted_sha1(secret: &str, parts: &[String], expected: &str) -> Asked<bool> {
    Ok(signing::secrets::is_sorted_sha1(secret, parts, expected)?)
}

pub(crate) fn decrypt_wecom(secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
    Ok(signing::secrets::decrypt_wecom(secret, data)?)
}

pub(crate) fn encrypt_wecom(secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
    Ok(signing::secrets::encrypt_wecom(secret, data)?)
}

pub(crate) fn cached(key: &str) -> Asked<Option<String>> {
    Ok(web::cache::get(key)?)
}

pub(crate) fn peek_cached(key: &str) -> Asked<Option<String>> {
    Ok(web::cache::peek(key)?)
}

pub(crate) fn cache(key: &str, value: &str, expires_at: Instant) -> Asked<()> {
    Ok(web::cache::put(key, value, millis(expires_at))?)
}

pub(crate) fn uncache(key: &str) -> Asked<()> {
    Ok(web::cache::remove(key)?)
}

pub(crate) fn evaluate(source: &str, customer: Option<&str>, vars: &str) -> Asked<(String, Option<Instant>)> {
    let value = wit::expressions::evaluate(source, customer, vars)?;
    Ok((value.json, value.changes_at.map(instant)))
}
