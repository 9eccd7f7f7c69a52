//! The paths that are spoken, one table.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codes::{NOT_JSON, Refusal};
use crate::world::World;
use crate::{broadcasts, people, tags, tokens, ways, welcome};

/// What an API does.
type Run = fn(&mut World, &Call) -> Result<Value, Refusal>;

/// A path.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) is_post: bool,
    pub(crate) needs_token: bool,
    pub(crate) run: Run,
}

/// A call of one.
pub(crate) struct Call {
    pub(crate) api: &'static str,
    pub(crate) now_ms: i64,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

/// All of them.
pub(crate) const ROUTES: [Route; 18] = [
    Route { path: "/cgi-bin/gettoken", is_post: false, needs_token: false, run: tokens::give },
    of_customers(false, "/cgi-bin/externalcontact/get", people::get),
    of_customers(true, "/cgi-bin/externalcontact/add_contact_way", ways::add),
    of_customers(true, "/cgi-bin/externalcontact/get_contact_way", ways::get),
    of_customers(true, "/cgi-bin/externalcontact/list_contact_way", ways::list),
    of_customers(true, "/cgi-bin/externalcontact/update_contact_way", ways::update),
    of_customers(true, "/cgi-bin/externalcontact/del_contact_way", ways::remove),
    of_customers(true, "/cgi-bin/externalcontact/send_welcome_msg", welcome::send),
    of_customers(true, "/cgi-bin/externalcontact/add_msg_template", broadcasts::add),
    of_customers(true, "/cgi-bin/externalcontact/get_groupmsg_task", broadcasts::staff_of),
    of_customers(true, "/cgi-bin/externalcontact/get_groupmsg_send_result", broadcasts::results_of),
    of_customers(true, "/cgi-bin/externalcontact/get_groupmsg_list_v2", broadcasts::list),
    of_customers(true, "/cgi-bin/externalcontact/remind_groupmsg_send", broadcasts::remind),
    of_customers(true, "/cgi-bin/externalcontact/mark_tag", tags::mark),
    of_customers(true, "/cgi-bin/externalcontact/add_corp_tag", tags::add),
    of_customers(true, "/cgi-bin/externalcontact/edit_corp_tag", tags::edit),
    of_customers(true, "/cgi-bin/externalcontact/del_corp_tag", tags::remove),
    of_customers(true, "/cgi-bin/externalcontact/get_corp_tag_list", tags::list),
];

const fn of_customers(is_post: bool, path: &'static str, run: Run) -> Route {
    Route { path, is_post, needs_token: true, run }
}

impl Route {
    /// The last part of the path.
    pub(crate) fn api(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

impl Call {
    pub(crate) fn new(api: &'static str, now_ms: i64, query: Option<&str>, body: Vec<u8>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (decoded(name).into_owned(), decoded(value).into_owned()));
        Self { api, now_ms, query: query.collect(), body }
    }

    /// A value of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body, as what the API takes.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|fault| Refusal::new(NOT_JSON, format!("data format error: {fault}")))
    }

    pub(crate) fn body_for_record(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// `%41` is `A`; what is no escape stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let escaped = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| byte == b'%');
        bytes.push(escaped.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}
