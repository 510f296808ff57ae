/** The inputs of the system's update. */
import type { ModuleSettings, SystemDecision } from "../../rules/decision/decide-system";
import type { Metadata } from "../../rules/metadata";
import type { RepositoryKey } from "../credentials/repository-keys";
import type { Origin } from "../git/mirror";
import type { Place, Situation } from "../driver";
import type { MetadataServer } from "../metadata-server";
import type { LocalHold } from "../state";

export interface SystemSituation extends Situation {
  metadata: Metadata;
  joined: boolean;
  settings: ModuleSettings;
  localHold: LocalHold | null;
  readable: boolean;
  drifted: boolean;
}

/** The part of the system's driver that is needed to report how an update ended. */
export interface SystemParts {
  readonly place: Place;
  readonly metadata: MetadataServer;
  /** The URL of the config repository; empty if none is known. */
  repository(decision: SystemDecision): string;
  origin(decision: SystemDecision): Promise<Origin>;
  repositoryKeys(decision: SystemDecision): Promise<RepositoryKey[]>;
}
