/** The parts of a Grafana dashboard that the tests look at. */
interface Source {
  readonly type: string;
  readonly uid: string;
}

export interface PanelJson {
  readonly type: string;
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly datasource: Source;
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly mappings?: readonly {
        readonly options: Readonly<Record<string, { readonly text: string }>>;
      }[];
    };
  };
  readonly targets: readonly {
    readonly datasource: Source;
    readonly expr?: string;
    readonly query?: string;
  }[];
}

export interface DashboardJson {
  readonly uid: string;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list?: readonly { readonly query: string }[] };
}

/** All panels but the headings. */
export function panelsOf(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter((panel) => panel.type !== "row");
}

export function promqlOf(panels: readonly PanelJson[]): readonly string[] {
  return panels.flatMap((panel) => panel.targets.flatMap(({ expr }) => expr ?? []));
}

/** Queries of the panels and of the choices above them. */
export function influxqlOf(dashboards: readonly DashboardJson[]): readonly string[] {
  return dashboards.flatMap((dashboard) => [
    ...panelsOf(dashboard).flatMap((panel) => panel.targets.flatMap(({ query }) => query ?? [])),
    ...(dashboard.templating.list ?? []).map(({ query }) => query),
  ]);
}
