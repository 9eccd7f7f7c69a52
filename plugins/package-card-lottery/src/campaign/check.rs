//! What is wrong with a campaign, before it is published. Never looks at what is in force.
//!
//! Law is cited as it was read: 规范促销行为暂行规定 (Provisions on Promotion, SAMR Order 32) and 反不正当竞争法 (Anti-Unfair
//! Competition Law, AUCL). The texts are for operators and their lawyers; this is no legal advice.

use siyu_plugin::Findings;

use super::{Campaign, EntryBy, Mode, OnExhausted, Prize, Stock};

/// The dearest prize, and the dearest sum of prizes on one entry: 50,000 yuan (SAMR Order 32 art. 17; AUCL).
pub(super) const TOP_PRIZE_FEN_MAX: u64 = 5_000_000;
/// Results of dearer prizes of on-site draws are shown while the draw goes on: 500 yuan (SAMR Order 32 art. 13).
const SHOWN_PRIZE_FEN_MIN: u64 = 50_000;
/// The prizes of a campaign: their rules are read in every draw, and an operator's list is short.
pub(super) const PRIZES_MAX: usize = 100;
/// Numbers that the host counts with.
const WHOLE_MAX: u64 = (1 << 53) - 1;

const LAW: &str = "Order 32 of the SAMR (规范促销行为暂行规定)";

/// Everything that is found in a campaign.
pub(super) fn check(campaign: &Campaign, found: &mut Findings) {
    window(campaign, found);
    limits(campaign, found);
    prizes(campaign, found);
    fallback(campaign, found);
    pity(campaign, found);
    law(campaign, found);
    disclosure(campaign, found);
    money(campaign, found);
    randomness(campaign, found);
    platform(campaign, found);
}

fn window(campaign: &Campaign, found: &mut Findings) {
    let window = &campaign.window;
    if window.start >= window.end {
        let message =
            format!("the window ends at {}, which is not after its start {}", window.end, window.start);
        found.error("/window/end", "WINDOW_ORDER", message);
    }
    if campaign.claim_within.is_some_and(siyu_plugin::Duration::is_zero) {
        found.error(
            "/claim_within",
            "CLAIM_WITHIN",
            "a prize that can be claimed for no time at all is no prize",
        );
    }
}

fn limits(campaign: &Campaign, found: &mut Findings) {
    let (limits, by) = (&campaign.limits, campaign.entry.by);
    let counted = [
        ("per_customer", limits.per_customer.map(u64::from)),
        ("per_card", Some(u64::from(limits.per_card))),
        ("per_order", Some(u64::from(limits.per_order))),
        ("per_customer_per_day", limits.per_customer_per_day.map(u64::from)),
        ("per_day_total", limits.per_day_total),
        ("per_grant", Some(u64::from(limits.per_grant))),
    ];
    for (name, limit) in counted {
        if limit == Some(0) {
            found.error(
                format!("/limits/{name}"),
                "LIMIT_ZERO",
                "a limit of 0 lets nobody draw: expected 1 or more",
            );
        }
    }
    if by == EntryBy::Customer && limits.per_customer.is_none() {
        let message = "draws by customer need limits.per_customer: without it one customer draws without end";
        found.error("/limits", "LIMIT_MISSING", message);
    }
    if by != EntryBy::Card && (campaign.entry.signed || campaign.entry.shipped_only) {
        found.error(
            "/entry",
            "CARDS_ONLY",
            "`signed` and `shipped_only` are rules for cards: expected `by: card`",
        );
    }
    let repeated =
        (by == EntryBy::Card && limits.per_card > 1) || (by == EntryBy::Order && limits.per_order > 1);
    if repeated {
        let message = "an entry with several draws cannot tell a second click from a second draw: give `request` in \
                       the step `draw` where the same request must give the same draw";
        found.warning("/limits", "REQUEST_ADVISED", message);
    }
}

fn prizes(campaign: &Campaign, found: &mut Findings) {
    let prizes = &campaign.prizes;
    if prizes.is_empty() {
        found.error("/prizes", "NO_PRIZES", "a lottery without prizes: expected at least one");
        return;
    }
    if prizes.len() > PRIZES_MAX {
        let message = format!("{} prizes, at most {PRIZES_MAX} are allowed", prizes.len());
        found.error("/prizes", "TOO_MANY_PRIZES", message);
    }
    for (place, prize) in prizes.iter().enumerate() {
        one_prize(place, prize, found);
        if prizes[..place].iter().any(|before| before.id == prize.id) {
            let message = format!("`{}` is the id of an earlier prize: ids are unique", prize.id);
            found.error(format!("/prizes/{place}/id"), "PRIZE_ID_TWICE", message);
        }
    }
    let total: u64 =
        prizes.iter().map(|prize| u64::from(prize.weight)).sum::<u64>() + u64::from(campaign.no_prize.weight);
    if !(1..=u64::from(u32::MAX)).contains(&total) {
        let message = format!("the weights sum up to {total}, expected 1 to {}", u32::MAX);
        found.error("/prizes", "WEIGHTS_TOTAL", message);
    }
    if campaign.mode == Mode::Guaranteed && campaign.no_prize.weight > 0 {
        let message =
            "a guaranteed lottery cannot draw nothing: set the weight to 0, or `mode: probabilistic`";
        found.error("/no_prize/weight", "NO_PRIZE_WEIGHT", message);
    }
}

fn one_prize(place: usize, prize: &Prize, found: &mut Findings) {
    let at = |field: &str| format!("/prizes/{place}/{field}");
    if !is_slug(&prize.id, 32) {
        let message =
            format!("`{}` is not the id of a prize: expected 1 to 32 of a-z, 0-9, - and _", prize.id);
        found.error(at("id"), "PRIZE_ID", message);
    }
    if prize.id == "none" {
        found.error(at("id"), "PRIZE_ID_RESERVED", "`none` is what a draw without a prize is called");
    }
    if prize.name.trim().is_empty() {
        let message = format!("a prize without a name: customers are told what they can win ({LAW} art. 13)");
        found.error(at("name"), "PRIZE_NAME", message);
    }
    if prize.stock.limit().is_some_and(|units| units > WHOLE_MAX) {
        found.error(at("stock"), "NUMBER_TOO_LARGE", format!("at most {WHOLE_MAX}"));
    }
    if prize.per_customer == Some(0) {
        found.error(at("per_customer"), "LIMIT_ZERO", "a prize that no customer may win: expected 1 or more");
    }
    if prize.grant.coupon.as_deref().is_some_and(|batch| !is_slug(batch, 64)) {
        let message = "not the name of a coupon batch: expected 1 to 64 of a-z, 0-9, - and _";
        found.error(at("grant/coupon"), "PRIZE_COUPON", message);
    }
}

fn fallback(campaign: &Campaign, found: &mut Findings) {
    let fallbacks: Vec<usize> = campaign
        .prizes
        .iter()
        .enumerate()
        .filter(|(_, prize)| prize.fallback)
        .map(|(place, _)| place)
        .collect();
    if campaign.mode == Mode::Probabilistic {
        for place in fallbacks {
            let message = "a fallback prize makes everybody win: take it away, or set `mode: guaranteed`";
            found.error(format!("/prizes/{place}/fallback"), "FALLBACK_IN_PROBABILISTIC", message);
        }
        return;
    }
    let [place] = fallbacks.as_slice() else {
        let message = format!(
            "a guaranteed lottery has exactly one prize with `fallback: true`, found {}: it is what everybody wins at least",
            fallbacks.len()
        );
        found.error("/prizes", "FALLBACK_COUNT", message);
        return;
    };
    let prize = &campaign.prizes[*place];
    let is_enough = match prize.stock {
        Stock::Unlimited => true,
        Stock::Limited(units) => campaign.expected_entries.is_some_and(|expected| units >= expected),
    };
    if !is_enough {
        let message =
            "the fallback prize must last: expected `stock: unlimited`, or at least `expected_entries`";
        found.error(format!("/prizes/{place}/stock"), "FALLBACK_STOCK", message);
    }
    if prize.per_customer.is_some() {
        let message = "the fallback prize cannot be limited a customer: it is what everybody wins at least";
        found.error(format!("/prizes/{place}/per_customer"), "FALLBACK_CAPPED", message);
    }
}

fn pity(campaign: &Campaign, found: &mut Findings) {
    let Some(pity) = &campaign.pity else {
        return;
    };
    if campaign.entry.by != EntryBy::Chance {
        let message = "a pity rule counts a customer's draws, so it needs `entry: { by: chance }`";
        found.error("/pity", "PITY_ENTRY", message);
    }
    if pity.after_non_top == 0 {
        found.error(
            "/pity/after_non_top",
            "PITY_AFTER",
            "every draw would be a pity draw: expected 1 or more",
        );
    }
    if pity.award.is_empty() {
        found.error("/pity/award", "PITY_AWARD", "a pity rule without a prize: expected at least one id");
    }
    for (place, id) in pity.award.iter().enumerate() {
        if campaign.place_of(id).is_none() {
            let message = format!("there is no prize `{id}`");
            found.error(format!("/pity/award/{place}"), "PITY_AWARD", message);
        }
    }
}

fn law(campaign: &Campaign, found: &mut Findings) {
    let source = format!(
        "{LAW} art. 17, AUCL (反不正当竞争法): the top prize of a draw is worth at most 50,000 yuan; the fine is 50,000 to \
         500,000 yuan"
    );
    for (place, prize) in campaign.prizes.iter().enumerate() {
        let at = format!("/prizes/{place}/value_fen");
        if prize.value_fen > TOP_PRIZE_FEN_MAX {
            let message = format!("worth {} fen, at most {TOP_PRIZE_FEN_MAX}: {source}", prize.value_fen);
            found.error(at, "PRIZE_OVER_LAW_LIMIT", message);
        } else if prize.value_fen > SHOWN_PRIZE_FEN_MIN {
            let message = format!(
                "worth more than 500 yuan: when the draw is on site, results are shown while it goes on ({LAW} art. 13)"
            );
            found.warning(at, "SHOW_RESULTS", message);
        }
    }
    let top = campaign.top_value_fen();
    let draws = campaign.draws_per_entry().map_or(1, u64::from);
    if top <= TOP_PRIZE_FEN_MAX && top.saturating_mul(draws) > TOP_PRIZE_FEN_MAX {
        let message = format!(
            "{draws} draws on one entry can win {} fen together, at most {TOP_PRIZE_FEN_MAX}: chances of one ticket are \
             added up ({source})",
            top.saturating_mul(draws)
        );
        found.error("/limits", "ENTRY_OVER_LAW_LIMIT", message);
    }
}

fn disclosure(campaign: &Campaign, found: &mut Findings) {
    let told = &campaign.disclosure;
    let demanded = format!("{LAW} art. 13: published before the start, not changed afterwards");
    for (field, text) in
        [("organiser", &told.organiser), ("contact", &told.contact), ("rules_url", &told.rules_url)]
    {
        if text.trim().is_empty() {
            found.error(
                format!("/disclosure/{field}"),
                "DISCLOSURE_INCOMPLETE",
                format!("missing ({demanded})"),
            );
        }
    }
    let url = told.rules_url.trim();
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        let message = format!("`{url}` is no address that customers can open: expected https://…");
        found.error("/disclosure/rules_url", "DISCLOSURE_URL", message);
    }
    if campaign.claim_within.is_none() && campaign.prizes.iter().any(Prize::is_claimed) {
        let message = format!(
            "a prize that grants no coupon is claimed, so customers are told until when ({demanded})"
        );
        found.error("/claim_within", "DISCLOSURE_INCOMPLETE", message);
    }
    let texts = [
        ("participation", &told.participation),
        ("delivery", &told.delivery),
        ("forfeiture", &told.forfeiture),
    ];
    for (field, text) in texts {
        if text.as_ref().is_none_or(|text| text.trim().is_empty()) {
            let message = format!("not said here, so {url} must say it ({demanded})");
            found.warning(format!("/disclosure/{field}"), "DISCLOSURE_ON_PAGE", message);
        }
    }
    if campaign.on_exhausted == OnExhausted::Renormalise {
        let message =
            format!("odds rise when a prize is used up: the page of rules must say so ({demanded})");
        found.warning("/on_exhausted", "DISCLOSE_RENORMALISE", message);
    }
    if campaign.restock_unclaimed {
        let message = format!("unclaimed prizes are drawn again: the page of rules must say so ({demanded})");
        found.warning("/restock_unclaimed", "DISCLOSE_RESTOCK", message);
    }
}

fn money(campaign: &Campaign, found: &mut Findings) {
    if campaign.budget_fen.is_some_and(|budget| budget > WHOLE_MAX) {
        found.error("/budget_fen", "NUMBER_TOO_LARGE", format!("at most {WHOLE_MAX}"));
    }
    if campaign.limits.per_day_total.is_some_and(|limit| limit > WHOLE_MAX) {
        found.error("/limits/per_day_total", "NUMBER_TOO_LARGE", format!("at most {WHOLE_MAX}"));
    }
    for (place, prize) in campaign.prizes.iter().enumerate() {
        let has_no_end = prize.stock == Stock::Unlimited && !prize.fallback && prize.value_fen > 0;
        if has_no_end && campaign.budget_fen.is_none() {
            let message = "without a stock and without `budget_fen` nothing bounds what this prize costs";
            found.warning(format!("/prizes/{place}/stock"), "COST_WITHOUT_END", message);
        }
    }
}

fn randomness(campaign: &Campaign, found: &mut Findings) {
    let source = &campaign.rng.public_randomness;
    let is_drand = source.strip_prefix("drand:").is_some_and(|round| {
        !round.is_empty() && round.len() <= 19 && round.bytes().all(|byte| byte.is_ascii_digit())
    });
    if source != "none" && !is_drand {
        let message = format!("`{source}`: expected `none`, or a round of drand such as `drand:4242000`");
        found.error("/rng/public_randomness", "PUBLIC_RANDOMNESS", message);
    }
}

fn platform(campaign: &Campaign, found: &mut Findings) {
    if campaign.entry.by == EntryBy::Chance {
        let message = "WeChat's rule for external links (微信外部链接内容管理规范) forbids chances for sharing, likes and \
                       check-ins: grant them for purchases, or for friends added through a personal code";
        found.warning("/entry/by", "PLATFORM_RISK", message);
    }
}

fn is_slug(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.starts_with(|symbol: char| symbol.is_ascii_lowercase() || symbol.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_')
}
