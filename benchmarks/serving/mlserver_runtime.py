"""The same file behind MLServer: a runtime of its own around onnxruntime, as its documentation describes them."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxRuntime(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        self.names = [o.name for o in self.session.get_outputs()]
        self.texts = {i.name for i in self.session.get_inputs() if i.type == "tensor(string)"}
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feed = {}
        for entry in payload.inputs:
            if entry.name in self.texts:
                feed[entry.name] = np.array(StringCodec.decode_input(entry), dtype=object)
            else:
                feed[entry.name] = np.asarray(NumpyCodec.decode_input(entry), dtype=np.float64).reshape(-1)
        answers = zip(self.names, self.session.run(self.names, feed), strict=True)
        outputs = [
            StringCodec.encode_output(name, v.tolist()) if v.dtype == object else NumpyCodec.encode_output(name, v)
            for name, v in answers
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
