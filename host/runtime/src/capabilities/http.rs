//! `http`: requests of deliveries. Never sends one itself, and never decides where one may go.

use siyu_engine::ports::network::{Header, Request, Response, SendError, SendErrorCode};
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight};
use crate::contract;
use crate::sandbox::state::{Call, Ctx, charge, enter};

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut http = Offer::new(linker, Capability::Http)?;
    http.instance.func_wrap("send", |mut store: Ctx<'_>, (request,): (contract::Request,)| {
        enter(&mut store, request.weight())?;
        let answer = store.data_mut().with_host("http.send", |host| host.send(asked(request)))?;
        let answer = answer.map(answered).map_err(failed);
        charge(&mut store, answer.weight())?;
        Ok((answer,))
    })
}

fn asked(request: contract::Request) -> Request {
    let header = |header: contract::Header| Header { name: header.name, value: header.value };
    Request {
        method: request.method,
        url: request.url,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body,
    }
}

fn answered(response: Response) -> contract::Response {
    let header = |header: Header| contract::Header { name: header.name, value: header.value };
    contract::Response {
        status: response.status,
        headers: response.headers.into_iter().map(header).collect(),
        body: response.body,
    }
}

fn failed(error: SendError) -> contract::HttpError {
    use contract::HttpErrorCode as Code;
    let code = match error.code {
        SendErrorCode::Invalid => Code::Invalid,
        SendErrorCode::Denied => Code::Denied,
        SendErrorCode::Unreachable => Code::Unreachable,
        SendErrorCode::Timeout => Code::Timeout,
        SendErrorCode::TooLarge => Code::TooLarge,
        SendErrorCode::Limit => Code::Limit,
        SendErrorCode::OpenCircuit => Code::OpenCircuit,
    };
    contract::HttpError {
        code,
        message: error.message,
        may_have_arrived: error.may_have_arrived,
        retry_after_ms: error.retry_after_ms,
    }
}

impl Weight for contract::Header {
    fn weight(&self) -> usize {
        self.name.len() + self.value.len()
    }
}

impl Weight for contract::Request {
    fn weight(&self) -> usize {
        self.method.len() + self.url.len() + self.headers.weight() + self.body.len()
    }
}

impl Weight for contract::Response {
    fn weight(&self) -> usize {
        self.headers.weight() + self.body.len()
    }
}

impl Weight for contract::HttpError {
    fn weight(&self) -> usize {
        self.message.len()
    }
}
