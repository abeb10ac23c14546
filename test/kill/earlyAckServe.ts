/**
 * The program as it must never be: it acknowledges uplinks before they are durable. It exists to prove that the
 * kill test can fail.
 */
import { loadConfig } from "#config/loadConfig.ts";
import { loadSecrets } from "#config/secrets.ts";
import { serve, type QueueWrapper } from "../../src/serve.ts";

const acknowledgeFirst: QueueWrapper = (queue) => ({
  offer(uplink, committed) {
    committed(null);
    queue.offer(uplink, () => undefined);
  },
  contact: (meterNo) => queue.contact(meterNo),
  downlinkOutcome: (commandId, outcome) => queue.downlinkOutcome(commandId, outcome),
  get isFull() {
    return queue.isFull;
  },
});

const config = loadConfig({ flags: {} });
const running = await serve(config, loadSecrets(config), acknowledgeFirst);
const api = `http://127.0.0.1:${running.httpPort}`;
const meters = `mqtt://127.0.0.1:${running.mqttPort}`;
process.stdout.write(`${JSON.stringify({ ready: true, api, meters })}\n`);
process.once("SIGTERM", () => void running.stop());
