/** A mail server on loopback that speaks enough of RFC 5321, and does wrong what a test asks for. */
import { createServer, type AddressInfo, type Socket } from "node:net";

/** The next mail: taken, its recipient refused for good or for now, no word, or the line cut after the text. */
export type MailBehaviour = "take" | "unknown" | "later" | "hang" | "cut";

export interface ReceivedMail {
  readonly to: string;
  readonly text: string;
}

export async function startMailServer() {
  const mails: ReceivedMail[] = [];
  const next: MailBehaviour[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    converse(socket, next.shift() ?? "take", (mail) => mails.push(mail));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    next,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function converse(
  socket: Socket,
  behaviour: MailBehaviour,
  received: (mail: ReceivedMail) => void,
): void {
  let buffered = "";
  let to = "";
  let isData = false;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  say("220 test ESMTP");
  socket.on("data", (bytes) => {
    buffered += bytes.toString("utf8");
    for (;;) {
      const end = buffered.indexOf(isData ? "\r\n.\r\n" : "\r\n");
      if (end < 0) return;
      const text = buffered.slice(0, end);
      buffered = buffered.slice(end + (isData ? 5 : 2));
      if (isData) {
        isData = false;
        received({ to, text });
        if (behaviour === "cut") socket.destroy();
        else if (behaviour !== "hang") say("250 queued as 4711");
      } else if (/^RCPT TO/i.test(text)) {
        to = /<(.*)>/.exec(text)?.[1] ?? "";
        if (behaviour === "unknown") say("550 no such mailbox");
        else say(behaviour === "later" ? "451 try later" : "250 ok");
      } else if (/^DATA/i.test(text)) {
        isData = true;
        say("354 go on");
      } else if (/^QUIT/i.test(text)) {
        say("221 bye");
        socket.end();
      } else say("250 ok");
    }
  });
}
