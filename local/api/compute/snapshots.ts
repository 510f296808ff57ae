/** Snapshots of disks. Those of data disks contain the disk's content; those of boot disks are records only. */
import type { Collection } from "./collection";
import { existingDisk } from "./disks";
import { fingerprintOf } from "../json";
import { checkLabels } from "./limits";
import { parseLink } from "../paths";

export const snapshots: Collection = {
  name: "snapshots",
  scope: "global",
  word: "snapshot",
  build: (store, _scope, body) => {
    const disk = existingDisk(store, body["sourceDisk"], "resource.sourceDisk");
    const labels = checkLabels(body["labels"]);
    return {
      ...body,
      sourceDisk: disk.selfLink,
      sourceDiskId: disk.id,
      diskSizeGb: disk["sizeGb"],
      status: "READY",
      storageBytes: "0",
      storageBytesStatus: "UP_TO_DATE",
      storageLocations: body["storageLocations"] ?? ["eu"],
      snapshotType: "STANDARD",
      autoCreated: false,
      labels,
      labelFingerprint: fingerprintOf(labels),
    };
  },
  made: ({ contents }, { name, sourceDisk }) =>
    contents.copy(parseLink(String(sourceDisk))?.path ?? "", `global/snapshots/${name}`),
  gone: ({ contents }, { name }) => contents.remove(`global/snapshots/${name}`),
};
