//! The ways in which the steps of this plugin say no. A refusal keeps what was done before it.

use siyu_plugin::{Refusal, Refused};

/// A group that nobody published.
pub const UNKNOWN_GROUP: Refusal = Refusal::new("UNKNOWN_GROUP", "no tag group of this name is published");
/// A value that a group does not list.
pub const UNKNOWN_TAG: Refusal = Refusal::new("UNKNOWN_TAG", "the group does not list this tag");
/// A text that cannot be a tag.
pub const TAG_INVALID: Refusal = Refusal::new("TAG_INVALID", "this cannot be the name of a tag");
/// A tag that is being taken out of use.
pub const TAG_RETIRED: Refusal =
    Refusal::new("TAG_RETIRED", "the tag is retired: it is taken off, never put on");
/// A source that the group does not take tags from.
pub const NOT_A_WRITER: Refusal = Refusal::new("NOT_A_WRITER", "the group takes no tags from this source");
/// A group of a sensitive category, and a customer who did not consent.
pub const NO_CONSENT: Refusal =
    Refusal::new("NO_CONSENT", "the customer has not consented to tags of this group");
/// A multi group that holds as many as it may.
pub const LIMIT_GROUP: Refusal =
    Refusal::new("LIMIT_GROUP", "the customer has as many tags of the group as it allows");
/// A customer with as many tags as WeCom takes.
pub const LIMIT_TAGS: Refusal =
    Refusal::new("LIMIT_TAGS", "the customer has 3,000 tags, as many as WeCom takes");
/// A tag whose time is over already.
pub const ALREADY_EXPIRED: Refusal = Refusal::new("ALREADY_EXPIRED", "the tag's time is over already");
/// A rule that would change tags twice because of the same event.
pub const RULE_LOOP: Refusal =
    Refusal::new("RULE_LOOP", "a rule would act again because of what it did itself");
/// A part of an import or a job that was done with other content.
pub const IDEMPOTENCY_MISMATCH: Refusal =
    Refusal::new("IDEMPOTENCY_MISMATCH", "the same batch and part came before with other rows");
/// A customer whom nobody knows.
pub const UNKNOWN_CUSTOMER: Refusal = Refusal::new("UNKNOWN_CUSTOMER", "there is no customer of this id");
/// A merge of a customer with themselves.
pub const SAME_CUSTOMER: Refusal = Refusal::new("SAME_CUSTOMER", "a customer is not merged with themselves");

/// What may stop a tag from being put on, in the steps that put one on.
pub(crate) const OF_WRITING: &[Refusal] = &[
    UNKNOWN_GROUP,
    UNKNOWN_TAG,
    TAG_INVALID,
    TAG_RETIRED,
    NOT_A_WRITER,
    NO_CONSENT,
    LIMIT_GROUP,
    LIMIT_TAGS,
    ALREADY_EXPIRED,
];

/// A refusal about one tag: the words, and `details.tag`.
pub(crate) fn about(refusal: Refusal, tag: &str, words: impl Into<String>) -> Refused {
    let shown: String = tag.chars().take(80).collect();
    refusal.because(words).details(siyu_plugin::prelude::json!({ "tag": shown }))
}
