import { main } from "../core/main";
import { command } from "./provider";

main("@pulumi/command", command);
