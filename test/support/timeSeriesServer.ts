/** Real time-series servers of Debian as peers: on loopback, in a folder of their own, stopped by their process. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface TimeSeriesServer {
  readonly url: string;
  readonly process: ChildProcess;
  /** Ends it as an operator would, so that it writes down what it has taken. */
  stop(): Promise<void>;
}

/** A port that was free a moment ago: these servers cannot say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Waits for a condition; the test's own time limit ends it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(20);
}

export async function startVictoriaMetrics(
  path: string,
  folder: string,
  port: number,
): Promise<TimeSeriesServer> {
  const arguments_ = [
    `-storageDataPath=${folder}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    "-retentionPeriod=100y",
    "-memory.allowedBytes=64MB",
    "-loggerLevel=ERROR",
  ];
  return ready(spawn(path, arguments_, { stdio: "ignore" }), `http://127.0.0.1:${port}`, "/health");
}

export async function startInfluxd(
  path: string,
  folder: string,
  ports: { readonly http: number; readonly rpc: number },
): Promise<TimeSeriesServer> {
  const env = {
    INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${ports.http}`,
    INFLUXDB_BIND_ADDRESS: `127.0.0.1:${ports.rpc}`,
    INFLUXDB_META_DIR: `${folder}/meta`,
    INFLUXDB_DATA_DIR: `${folder}/data`,
    INFLUXDB_DATA_WAL_DIR: `${folder}/wal`,
    INFLUXDB_REPORTING_DISABLED: "true",
    INFLUXDB_MONITOR_STORE_ENABLED: "false",
  };
  const child = spawn(path, ["run", "-config", "/dev/null"], { stdio: "ignore", env });
  return ready(child, `http://127.0.0.1:${ports.http}`, "/ping");
}

async function ready(child: ChildProcess, url: string, path: string): Promise<TimeSeriesServer> {
  const ended = once(child, "exit");
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    return fetch(url + path).then(
      (answer) => answer.ok,
      () => false,
    );
  });
  return {
    url,
    process: child,
    async stop() {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/**
 * InfluxDB 1.6 has the statements of 2.x but not its write address: this passes a bucket's lines on to the database of
 * that name, and the answer back. Everything else of the way is real.
 */
export async function writesOfInflux2(influxd: TimeSeriesServer): Promise<{
  readonly url: string;
  close(): Promise<void>;
}> {
  const server = createHttpServer((request, response) => {
    void passOn(influxd.url, request).then(
      ({ status }) => response.writeHead(status).end(),
      () => response.writeHead(502).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function passOn(url: string, request: IncomingMessage): Promise<Response> {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  const asked = new URL(request.url ?? "", url);
  if (asked.pathname !== "/api/v2/write") return new Response(null, { status: 404 });
  const db = encodeURIComponent(asked.searchParams.get("bucket") ?? "");
  const headers = request.headers["content-encoding"] === "gzip" ? gzipped : {};
  return fetch(`${url}/write?db=${db}&precision=ms`, { method: "POST", body, headers });
}

const gzipped = { "content-encoding": "gzip" };
