"""A node's answers, good and bad."""

from __future__ import annotations

import json

import httpx
import pytest

from chainops.chains.errors import RpcAnswerError, RpcError, WrongChainError
from chainops.chains.rpc import RpcClient

KEY = "0123456789abcdef0123456789abcdef"
URL = f"https://rpc.example/v2/{KEY}"


class Node:
    """Answers from a list; callables make the answer from the request's id."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.methods: list[str] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.methods.append(body["method"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": body["id"], **answer})

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def client(self, *, chain_id=None, tries=3) -> RpcClient:
        return RpcClient(
            URL, chain_id=chain_id, tries=tries, sleep=self.sleep, transport=httpx.MockTransport(self)
        )


async def test_a_result_is_returned():
    assert await Node({"result": "0x10"}).client().number("eth_blockNumber") == 16


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.ConnectError(f"refused {URL}"), "cannot reach the node"),
        (httpx.ReadTimeout("late"), "no answer in time"),
        (httpx.Response(500), "HTTP 500"),
        (httpx.Response(503, text="busy"), "HTTP 503: busy"),
        (httpx.Response(429), "limits requests (HTTP 429)"),
        (httpx.Response(200, text="<html>"), "not JSON-RPC: <html>"),
        (httpx.Response(200, text=""), "an empty answer"),
        (httpx.Response(200, text='{"jsonrpc":"2.0","id":1,"res'), "cut off"),
        (httpx.Response(200, json={"id": 77, "result": "0x1"}), "wrong id"),
        (httpx.Response(200, json=[]), "not JSON-RPC"),
        ({"error": {"code": -32005, "message": "slow down"}}, "limits requests: slow down"),
    ],
)
async def test_a_read_is_tried_again_and_the_last_reason_is_told(answer, said):
    good = Node(answer, {"result": "0x1"})
    assert await good.client().number("eth_blockNumber") == 1

    def again():
        return (
            httpx.Response(answer.status_code, content=answer.content)
            if isinstance(answer, httpx.Response)
            else answer
        )

    bad = Node(again(), again(), again())
    with pytest.raises(RpcError) as caught:
        await bad.client().call("eth_blockNumber")
    assert said in str(caught.value)
    assert "(3 tries)" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert bad.waits == [0.1, 0.2]


async def test_a_node_may_say_how_long_to_wait_but_not_for_ever():
    node = Node(
        httpx.Response(429, headers={"retry-after": "2"}),
        httpx.Response(429, headers={"retry-after": "900"}),
        {"result": "0x1"},
    )
    await node.client().call("eth_blockNumber")
    assert node.waits == [2.0, 5.0]


async def test_what_changes_something_is_never_repeated():
    node = Node(httpx.Response(500))
    with pytest.raises(RpcError, match="HTTP 500"):
        await node.client().call("eth_sendRawTransaction", "0x")
    assert node.methods == ["eth_sendRawTransaction"]


async def test_a_refusal_is_told_at_once_with_its_data():
    node = Node({"error": {"code": 3, "message": "execution reverted", "data": "0x01020304"}})
    with pytest.raises(RpcAnswerError) as caught:
        await node.client().call("eth_call")
    assert caught.value.revert_data == b"\1\2\3\4"
    assert caught.value.number == 3


async def test_a_refusal_inside_an_http_error_is_a_refusal():
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "nonce too low"}}
    with pytest.raises(RpcAnswerError, match="nonce too low"):
        await Node(httpx.Response(400, json=body)).client().call("eth_call")


@pytest.mark.parametrize(
    ("error", "data"),
    [
        ({"code": 3, "message": "execution reverted"}, b""),
        ({"code": -32000, "message": "execution reverted"}, b""),
        ({"code": -32000, "message": "x", "data": {"data": "0x01"}}, b"\1"),
        ({"code": -32000, "message": "insufficient funds"}, None),
        ({"code": -32000, "message": "x", "data": "0xzz"}, None),
        ("broken", None),
    ],
)
async def test_reverts_are_told_from_other_refusals(error, data):
    with pytest.raises(RpcAnswerError) as caught:
        await Node({"error": error}).client().call("eth_call")
    assert caught.value.revert_data == data


async def test_the_chain_is_checked_once_before_the_first_request():
    node = Node({"result": "0x1"}, {"result": "0x5"}, {"result": "0x6"})
    client = node.client(chain_id=1)
    await client.call("eth_blockNumber")
    await client.call("eth_blockNumber")
    assert node.methods == ["eth_chainId", "eth_blockNumber", "eth_blockNumber"]


async def test_a_wrong_chain_gets_no_request():
    node = Node({"result": "0x2"})
    with pytest.raises(WrongChainError, match="serves chain 2, not chain 1") as caught:
        await node.client(chain_id=1).call("eth_sendRawTransaction", "0x")
    assert node.methods == ["eth_chainId"]
    assert KEY not in str(caught.value)


async def test_an_unreadable_number_or_receipt_is_told():
    with pytest.raises(RpcError, match="not a number"):
        await Node({"result": "many"}).client().number("eth_gasPrice")
    with pytest.raises(RpcError, match="unreadable receipt"):
        await Node({"result": {"blockNumber": "0x1"}}).client().receipt("0xabc")
    with pytest.raises(RpcError, match="no latest block"):
        await Node({"result": None}).client().latest_block()
