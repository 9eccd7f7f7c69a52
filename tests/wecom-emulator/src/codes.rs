//! The error codes that are spoken here, by the names that they are used under. From WeCom's list of global return codes.

use serde_json::{Value, json};

/// What the API says instead of doing it: `errcode` and `errmsg`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// `errcode`.
    pub code: i64,
    /// `errmsg`. WeCom says that nobody may rely on it.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The answer's body.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "errcode": self.code, "errmsg": self.message })
    }
}

/// 系统繁忙.
pub const SYSTEM_BUSY: i64 = -1;
/// 不合法的secret参数.
pub const WRONG_SECRET: i64 = 40001;
/// 不合法的CorpID.
pub const WRONG_CORP: i64 = 40013;
/// 不合法的access_token.
pub const WRONG_TOKEN: i64 = 40014;
/// 不合法的参数.
pub const WRONG_ARGUMENT: i64 = 40058;
/// 不合法的标签ID.
pub const WRONG_TAG: i64 = 40068;
/// 标签名字已经存在.
pub const TAG_EXISTS: i64 = 40071;
/// 不合法的标签名字长度.
pub const WRONG_TAG_LENGTH: i64 = 40072;
/// 不合法的外部联系人userid.
pub const WRONG_CUSTOMER: i64 = 40096;
/// 企业标签个数达到上限.
pub const TOO_MANY_TAGS: i64 = 40126;
/// 缺少access_token参数.
pub const NO_TOKEN: i64 = 41001;
/// 缺少corpid参数.
pub const NO_CORP: i64 = 41002;
/// 缺少secret参数.
pub const NO_SECRET: i64 = 41004;
/// 缺少外部联系人userid参数.
pub const NO_CUSTOMER: i64 = 41035;
/// 无效的「联系我」type参数.
pub const WRONG_WAY_TYPE: i64 = 41039;
/// 无效的「联系我」scene参数.
pub const WRONG_WAY_SCENE: i64 = 41040;
/// 「联系我」使用人数超过限制.
pub const TOO_MANY_STAFF: i64 = 41041;
/// 缺少「联系我」config_id参数.
pub const NO_WAY: i64 = 41043;
/// 无效的「联系我」config_id参数.
pub const WRONG_WAY: i64 = 41044;
/// API添加「联系我」达到数量上限.
pub const TOO_MANY_WAYS: i64 = 41045;
/// 缺少企业群发消息id.
pub const NO_BROADCAST: i64 = 41046;
/// 无效的企业群发消息id.
pub const WRONG_BROADCAST: i64 = 41047;
/// 无可发送的客户.
pub const NOBODY_TO_SEND_TO: i64 = 41048;
/// 缺少欢迎语code参数.
pub const NO_WELCOME_CODE: i64 = 41049;
/// 无效的欢迎语code: unknown, or older than 20 s.
pub const WRONG_WELCOME_CODE: i64 = 41050;
/// 客户和服务人员已经开始聊天了: they chat already, or the welcome was said.
pub const CHATTING: i64 = 41051;
/// 群发消息正在被派发中,请稍后再试.
pub const BEING_DISPATCHED: i64 = 41063;
/// 无效的附件类型.
pub const WRONG_ATTACHMENT: i64 = 41065;
/// access_token已过期.
pub const TOKEN_EXPIRED: i64 = 42001;
/// 需要GET请求.
pub const NOT_GET: i64 = 43001;
/// 需要POST请求.
pub const NOT_POST: i64 = 43002;
/// 文本消息content参数为空.
pub const EMPTY_TEXT: i64 = 44004;
/// 消息内容大小超过限制.
pub const TOO_LONG: i64 = 45002;
/// 接口调用超过限制.
pub const TOO_OFTEN: i64 = 45009;
/// 接口并发调用超过限制.
pub const TOO_MANY_AT_ONCE: i64 = 45033;
/// 数据格式错误.
pub const NOT_JSON: i64 = 47001;
/// UserID不存在.
pub const NO_SUCH_STAFF: i64 = 60111;
/// 不存在外部联系人的关系.
pub const NO_RELATION: i64 = 84061;
/// 没有外部联系人权限.
pub const MAY_NOT_CONTACT: i64 = 84074;
