import { render } from "preact";
import { takeToken } from "./api";
import { App } from "./app";
import { listenToBack } from "./state";
import { keepReading } from "./store";
import "./tokens.css";

takeToken();
listenToBack();
keepReading();
const box = document.getElementById("page");
if (box) render(<App />, box);
