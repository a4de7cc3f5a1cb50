"""One attempt to deliver a batch: a request to Mixpanel, and what its response means."""

from translator.sender.dispatch.batching import Batch
from translator.sender.http.responses import InterpretedResponse, Meaning, classify
from translator.sender.http.transport import HttpTransport, NetworkError, Transport
from translator.sender.logs import LogEvent, log
from translator.sender.queue.event_age import OUTDATED, outdated
from translator.sender.queue.preparation import Preparation
from translator.sender.redaction import Redactor


class DeliveryAttempts:
    """Sends batches through a transport. Threads may share it.

    `preparation` gives base URLs and the time. Without `transport` it opens connections with the
    `api_secret`, which `redact` hides in every text.
    """

    def __init__(
        self, preparation: Preparation, api_secret: str | None, transport: Transport | None
    ) -> None:
        self._preparation = preparation
        self._secrets = {api_secret} if api_secret else set()
        self.redact = Redactor(self._secrets)
        self._transport: Transport = transport or HttpTransport(api_secret)
        self._replaced: list[Transport] = []

    def use_secret(self, api_secret: str | None) -> None:
        """Use another API secret for requests from now on."""
        self._preparation.has_secret = api_secret is not None
        self._secrets |= {api_secret} if api_secret else set()
        self.redact = Redactor(self._secrets)
        # A request that is under way ends with the old one.
        self._replaced.append(self._transport)
        self._transport = HttpTransport(api_secret)

    def send(self, batch: Batch) -> InterpretedResponse:
        """Send a batch and interpret the response; a failure is a response to be retried."""
        endpoint = batch.route.endpoint
        if too_old := outdated(batch.operations, self._preparation.now()):
            if too_old < len(batch.operations) or not self._preparation.has_secret:
                return InterpretedResponse(Meaning.OUTDATED, OUTDATED)
            endpoint = "/import"
        url = self._preparation.base_url(batch.route.host)
        try:
            answer = self._transport.post(url, endpoint, batch.body())
            outcome = classify(answer.status, answer.headers, answer.body, self.redact.body)
            return outcome._replace(status=answer.status)
        except NetworkError as error:
            return InterpretedResponse(
                Meaning.RETRY, f"{url}: {self.redact(str(error))}", unclear=error.unclear
            )
        except Exception as error:
            # A defect of the sender costs one request, and no worker ends because of it.
            log.debug(LogEvent("defect"), exc_info=True)
            return InterpretedResponse(
                Meaning.RETRY, f"the sender failed: {error!r:.200}", unclear=True
            )

    def close(self) -> None:
        """Close the kept connections."""
        for transport in (*self._replaced, self._transport):
            transport.close()
