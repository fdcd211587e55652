package {{package}}

import android.content.Context

/** Opens the model that lies among the assets of this module. It takes a moment: not on the main thread. */
fun open{{type}}(context: Context): {{type}} = {{type}}(context.assets.open({{type}}.ASSET).use { it.readBytes() })
