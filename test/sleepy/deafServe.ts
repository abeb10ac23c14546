/** The program as it must never be: it does not notice that a meter listens. Proves that the test can fail. */
import { loadConfig } from "#config/loadConfig.ts";
import { loadSecrets } from "#config/secrets.ts";
import { serve, type QueueWrapper } from "../../src/serve.ts";

const deaf: QueueWrapper = (queue) => ({
  offer: (uplink, committed) => queue.offer({ ...uplink, reachable: false }, committed),
  contact: () => undefined,
  downlinkOutcome: (commandId, outcome) => queue.downlinkOutcome(commandId, outcome),
  get isFull() {
    return queue.isFull;
  },
});

const config = loadConfig({ flags: {} });
const running = await serve(config, loadSecrets(config), deaf);
const api = `http://127.0.0.1:${running.httpPort}`;
const meters = `mqtt://127.0.0.1:${running.mqttPort}`;
process.stdout.write(`${JSON.stringify({ ready: true, api, meters })}\n`);
process.once("SIGTERM", () => void running.stop());
