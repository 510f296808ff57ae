import { main } from "../core/main";
import { gcp } from "./provider";

main("@pulumi/gcp", gcp);
