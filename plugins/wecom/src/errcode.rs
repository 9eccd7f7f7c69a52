//! WeCom's error codes by what there is to do about them (全局错误码).

/// What to do about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It is done.
    Done,
    /// The token is over: fetch another and ask again, once.
    Refresh,
    /// It may pass: ask again after a pause that grows.
    Retry,
    /// The API is blocked: nobody asks until a window is over.
    Wait,
    /// Mostly the two are friends so newly that WeCom does not know it everywhere.
    Lag,
    /// They chat already, or the welcome was said: nothing is missing.
    Said,
    /// It will never be done, for a reason of the business.
    Permanent,
    /// Something is set up wrongly; a person has to look.
    Config,
    /// A code that is not in the table. Asking again would do nobody good.
    Unknown,
}

/// A code, its class, and what it means in words.
type Entry = (i64, Class, &'static str);

/// The codes that are known. After WeCom's list of global return codes and its documents of each API.
const TABLE: [Entry; 46] = [
    (0, Class::Done, "ok"),
    (40014, Class::Refresh, "the token is none"),
    (42001, Class::Refresh, "the token is over"),
    (-1, Class::Retry, "WeCom is busy"),
    (6000, Class::Retry, "WeCom is busy with the same data"),
    (45033, Class::Retry, "too many calls at once"),
    (41063, Class::Retry, "the broadcast is being dispatched"),
    (41079, Class::Retry, "WeCom is busy with the same customer"),
    (41096, Class::Retry, "another application is sending a welcome"),
    (45009, Class::Wait, "too many calls of this API"),
    (84061, Class::Lag, "staff and customer have no relation"),
    (41051, Class::Said, "they chat already, or the welcome was said"),
    (40003, Class::Permanent, "no such staff"),
    (40058, Class::Permanent, "an argument is wrong"),
    (40063, Class::Permanent, "an argument is missing"),
    (40068, Class::Permanent, "no such tag, or one that another application made"),
    (40071, Class::Permanent, "a tag of this name is there"),
    (40096, Class::Permanent, "no such customer"),
    (40098, Class::Permanent, "the member of staff has not shown who they are (实名认证)"),
    (40099, Class::Permanent, "the member of staff has as many customers as they may"),
    (40126, Class::Permanent, "the corp has as many tags as it may"),
    (40128, Class::Permanent, "the customer was handed over too often"),
    (41041, Class::Permanent, "more than 100 staff for one contact way"),
    (41044, Class::Permanent, "no such contact way"),
    (41045, Class::Permanent, "the corp has as many contact ways as it may"),
    (41047, Class::Permanent, "no such broadcast"),
    (41048, Class::Permanent, "no customer that this could be sent to"),
    (41050, Class::Permanent, "the welcome code is none, or older than 20 seconds"),
    (41053, Class::Permanent, "the customer has not agreed to chats being kept"),
    (41054, Class::Permanent, "the member of staff has not begun to use WeCom"),
    (41064, Class::Permanent, "an attachment is too large"),
    (41065, Class::Permanent, "an attachment is of no kind"),
    (45002, Class::Permanent, "the text is too long"),
    (47001, Class::Permanent, "the request is not as expected"),
    (60111, Class::Permanent, "no such staff"),
    (81017, Class::Permanent, "more than 1000 owners without a filter"),
    (40001, Class::Config, "the secret is wrong"),
    (40013, Class::Config, "the corp id is wrong"),
    (40091, Class::Config, "the secret is of another corp"),
    (41001, Class::Config, "the token is missing"),
    (48002, Class::Config, "the application may not use this API"),
    (60011, Class::Config, "the application may not reach this staff, department or tag"),
    (60020, Class::Config, "the host's address is not among those that WeCom trusts (企业可信IP)"),
    (60021, Class::Config, "the member of staff is outside what the application sees (可见范围)"),
    (84074, Class::Config, "the member of staff may have no customers (客户联系)"),
    (301002, Class::Config, "the application may not do this"),
];

/// The class of a code.
pub fn class_of(code: i64) -> Class {
    entry(code).map_or(Class::Unknown, |(_, class, _)| *class)
}

/// What a code means.
pub fn words_of(code: i64) -> &'static str {
    entry(code).map_or("a code that is not known here", |(_, _, words)| words)
}

fn entry(code: i64) -> Option<&'static Entry> {
    TABLE.iter().find(|(known, _, _)| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_class() {
        let mut codes: Vec<i64> = TABLE.iter().map(|(code, _, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn the_classes_are_those_of_the_field_notes() {
        for (class, codes) in [
            (Class::Refresh, [40014, 42001].as_slice()),
            (Class::Retry, &[-1, 6000, 45033, 41063, 41079, 41096]),
            (Class::Wait, &[45009]),
            (Class::Lag, &[84061]),
            (Class::Said, &[41051]),
            (Class::Permanent, &[41050, 40096, 40068, 41048, 41041, 41045, 40126, 40128, 40099, 81017]),
            (Class::Config, &[40001, 40091, 48002, 60011, 60020, 60021, 84074]),
            (Class::Unknown, &[1, 99999, i64::MIN]),
        ] {
            for code in codes {
                assert_eq!(class_of(*code), class, "{code}");
            }
        }
    }
}
