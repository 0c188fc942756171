"""JSON-RPC to a node that may be slow, rate-limited, broken, or not the chain it should be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chainops.chains.errors import RpcAnswerError, RpcError, WrongChainError
from chainops.chains.model import Receipt, receipt_from
from chainops.core.secrets import Masker, mask_url, url_secrets
from chainops.core.text import one_line

if TYPE_CHECKING:
    import httpx

Sleep = Callable[[float], Awaitable[None]]

MAX_ANSWER_BYTES = 256 << 20
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
#: requests that change something: the caller looks what became of them, they are never repeated here
_EFFECTS = ("eth_send", "anvil_", "evm_", "hardhat_")
#: what providers answer when asked too often (EIP-1474: -32005)
_LIMITED = (-32005, 429)


class _Unusable(Exception):
    """One try failed in a way that another may not."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class RpcClient:
    """Calls one node. Its URL, which may carry a key, never appears in an error."""

    def __init__(
        self,
        url: str,
        *,
        chain_id: int | None,
        timeout_s: float = 20.0,
        tries: int = 5,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx

        self.shown_url = mask_url(url)
        self.chain_id = chain_id
        self._url = url
        self._masker = Masker(url_secrets(url))
        self._tries = tries
        self._sleep = sleep
        self._ids = 0
        self._checked = chain_id is None
        self._check = asyncio.Lock()
        # `trust_env` off: a local chain must not be asked for through a proxy of the environment
        local = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
        self._http = httpx.AsyncClient(timeout=timeout_s, transport=transport, trust_env=not local)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, *parameters: Any) -> Any:
        """Return the result of `method`; the chain's id is checked before the first one.

        Reads are tried again on transport errors, rate limits, HTTP 5xx and unreadable answers.
        Raises `RpcError`, `RpcAnswerError` for the node's own refusal, `WrongChainError`.
        """
        if not self._checked:
            await self._check_chain()
        return await self._call(method, parameters)

    async def _check_chain(self) -> None:
        async with self._check:
            if self._checked:
                return
            answer = await self._call("eth_chainId", ())
            found = self._number("eth_chainId", answer)
            if found != self.chain_id:
                raise WrongChainError(
                    f"{self.shown_url} serves chain {found}, not chain {self.chain_id}; nothing was sent",
                    hint="check `url` and `chain_id` of this network",
                )
            self._checked = True

    async def _call(self, method: str, parameters: tuple[Any, ...]) -> Any:
        tries = 1 if method.startswith(_EFFECTS) else self._tries
        wait_s = _FIRST_WAIT_S
        for attempt in range(1, tries + 1):
            try:
                return await self._once(method, parameters)
            except _Unusable as error:
                if attempt == tries:
                    raise RpcError(
                        f"{method} at {self.shown_url}: {error}" + (f" ({tries} tries)" if tries > 1 else ""),
                        hint="check that the node runs and that the URL is right",
                    ) from None
                await self._sleep(min(error.wait_s or wait_s, _LONGEST_WAIT_S))
                wait_s *= 2
        raise AssertionError("unreachable")

    async def _once(self, method: str, parameters: tuple[Any, ...]) -> Any:
        import httpx

        self._ids += 1
        number = self._ids
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        try:
            status, headers, raw = await self._post(body.encode())
        except httpx.TimeoutException:
            raise _Unusable("no answer in time") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise RpcError(f"{self.shown_url} is not an http(s) URL") from None
        except httpx.HTTPError as error:
            text = self._masker.text(one_line(str(error))) or type(error).__name__
            raise _Unusable(f"cannot reach the node: {text}") from None
        return self._read(method, number, status, headers, raw)

    async def _post(self, body: bytes) -> tuple[int, Any, bytes]:
        headers = {"content-type": "application/json"}
        async with self._http.stream("POST", self._url, content=body, headers=headers) as response:
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > MAX_ANSWER_BYTES:
                    raise RpcError(f"{self.shown_url} answered more than {MAX_ANSWER_BYTES:,} bytes")
            return response.status_code, response.headers, bytes(raw)

    def _read(self, method: str, number: int, status: int, headers: Any, raw: bytes) -> Any:
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        is_ours = isinstance(answer, dict) and ("result" in answer or answer.get("error") is not None)
        if status == 429:
            raise _Unusable("the node limits requests (HTTP 429)", _retry_after_s(headers))
        # some nodes answer a refusal with an HTTP error: the JSON-RPC error inside says more
        if not is_ours:
            raise _Unusable(_why_unreadable(status, raw, self._masker))
        if answer.get("id") != number and not (answer.get("error") and answer.get("id") is None):
            raise _Unusable("the answer belongs to another request (wrong id)")
        if answer.get("error") is not None:
            raise self._refusal(method, answer["error"])
        return answer["result"]

    def _refusal(self, method: str, error: Any) -> Exception:
        number = error.get("code", 0) if isinstance(error, dict) else 0
        said = error.get("message", "") if isinstance(error, dict) else str(error)
        said = self._masker.text(one_line(str(said), 300))
        if number in _LIMITED:
            return _Unusable(f"the node limits requests: {said}")
        data = error.get("data") if isinstance(error, dict) else None
        return RpcAnswerError(
            f"{self.shown_url} refused {method}: {said} ({number})",
            number=number if isinstance(number, int) else 0,
            said=said,
            data=data,
        )

    def _number(self, method: str, answer: Any) -> int:
        try:
            return int(answer, 16)
        except (TypeError, ValueError):
            raise RpcError(
                f"{method} at {self.shown_url}: not a number: {one_line(repr(answer), 60)}"
            ) from None

    async def number(self, method: str, *parameters: Any) -> int:
        """Return a result that is a hexadecimal quantity."""
        return self._number(method, await self.call(method, *parameters))

    async def code(self, address: str) -> bytes:
        """Return the runtime bytecode at `address`, empty when there is none."""
        answer = await self.call("eth_getCode", address, "latest")
        try:
            return bytes.fromhex(answer[2:])
        except (TypeError, ValueError):
            raise RpcError(f"eth_getCode at {self.shown_url}: not 0x-hex") from None

    async def latest_block(self) -> dict[str, Any]:
        """Return the header of the latest block as the node gives it; it has a `hash` at least."""
        block = await self.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - JSON-RPC's own
        if not isinstance(block, dict) or not isinstance(block.get("hash"), str):
            raise RpcError(f"{self.shown_url} gave no latest block")
        return block

    async def receipt(self, transaction: str) -> Receipt | None:
        """Return the receipt of a mined transaction, None when there is none (yet)."""
        answer = await self.call("eth_getTransactionReceipt", transaction)
        if answer is None:
            return None
        try:
            return receipt_from(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RpcError(
                f"{self.shown_url} gave an unreadable receipt of {transaction}: {error!r}"
            ) from None

    async def knows(self, transaction: str) -> bool:
        """Return whether the node has the transaction, mined or pending."""
        return await self.call("eth_getTransactionByHash", transaction) is not None


def _retry_after_s(headers: Any) -> float | None:
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None


def _why_unreadable(status: int, raw: bytes, masker: Masker) -> str:
    shown = masker.text(one_line(raw[:200].decode("utf-8", "replace"), 80))
    if status >= 400:
        return f"HTTP {status}: {shown}" if shown else f"HTTP {status}"
    if not raw:
        return "an empty answer"
    cut = raw.lstrip()[:1] in (b"{", b"[") and raw.rstrip()[-1:] not in (b"}", b"]")
    return f"{'the answer is cut off' if cut else 'the answer is not JSON-RPC'}: {shown}"
