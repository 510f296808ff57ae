import { main } from "../core/main";
import { gcp } from "./provider";

void main("@pulumi/gcp", gcp);
