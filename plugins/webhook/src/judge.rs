//! What an answer means for the message: taken, never, later, or given up.

use siyu_plugin::http::{self, Response};
use siyu_plugin::prelude::*;

/// Seconds from each failure to the next try: the example of the spec, about three days in all.
const PAUSES_S: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// What an answer to a try means, the first of which is 1, when there are so many.
pub(crate) fn judge(answer: Result<Response, http::Error>, attempt: u32, tries: u32) -> Verdict {
    let (why, wish) = match answer {
        Ok(answer) if answer.is_success() => return Verdict::sent(),
        Ok(answer) if answer.status == 410 => {
            return Verdict::refused("the receiver wants no more of it: it answered 410");
        }
        Ok(answer) => (format!("the receiver answered {}", answer.status), answer.retry_after()),
        // Nothing was sent: it is no try of the receiver's.
        Err(error) if is_ours(error.code) => return Verdict::Later(error.message, error.retry_after),
        Err(error) => (error.message, error.retry_after),
    };
    if attempt >= tries {
        let times = if attempt == 1 { "once".to_owned() } else { format!("{attempt} times") };
        return Verdict::Uncertain(format!("given up after it was tried {times}: {why}"));
    }
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES_S.len() - 1);
    let pause = Duration::seconds(PAUSES_S[place]);
    Verdict::Later(why, Some(wish.map_or(pause, |wish| wish.max(pause))))
}

/// A message that cannot be signed waits: a secret may be set while it does.
pub(crate) fn unsigned(error: &Error) -> Verdict {
    Verdict::later(format!("it cannot be signed: {}", error.message))
}

/// Whether a failure is this host's, and not the receiver's.
fn is_ours(code: http::ErrorCode) -> bool {
    use http::ErrorCode as E;
    match code {
        E::Invalid | E::Denied | E::Limit | E::OpenCircuit => true,
        E::Unreachable | E::Timeout | E::TooLarge => false,
    }
}
